import type { SignedCap } from '../ledger';
import { NodeRefusal } from './errors';

/** One request's place in an escrow's account with this node. */
export interface MeteredRequest {
    /** Cost so far of this request. */
    costNano: bigint;
    /** Most that it may cost under the cap as it stands: the whole worst case, or the windows raised so far. */
    allowanceNano: bigint;
    readonly worstCaseNano: bigint;
    readonly sessionKey: Buffer;
}

/** What the chain says of the escrow, of one moment. */
export interface ChainAccount {
    /** What it has paid this node in the epoch. */
    settledNano: bigint;
    /** What it has left, for all nodes. */
    balanceNano: bigint;
}

/** The figures of the next receipt. */
export interface ReceiptFigures {
    sequence: number;
    costNano: bigint;
    cumulativeNano: bigint;
}

/**
 * What one escrow owes this node in one epoch. The node signs receipts in one order, so they stay monotone however
 * its streams interleave, and it never works beyond the cap.
 */
export class EscrowMeter {
    private sequence = 0;
    private cumulativeNano = 0n;
    private openNano = 0n;
    /** By session key in hex: a receipt settles only under a cap of the key that it names. */
    private readonly caps = new Map<string, SignedCap>();
    private readonly closed = new WeakSet<MeteredRequest>();

    /** @param creditLineNano most that may be owed unsettled */
    constructor(private readonly creditLineNano: bigint) {}

    /** The highest cap of the stream: what receipts are held against, since its requests interleave. */
    get highestNano(): bigint {
        return [...this.caps.values()].reduce((highest, cap) => maxNano(highest, cap.capCumulativeNano), 0n);
    }

    /** The cap that the request's receipts settle under: the highest of its session key, whichever request brought it. */
    capOf({ sessionKey }: MeteredRequest): SignedCap {
        return this.caps.get(sessionKey.toString('hex'))!;
    }

    /** @throws NodeRefusal `cap_too_low`, `escrow_insufficient` or `credit_line_reached` */
    admit(options: {
        cap: SignedCap;
        worstCaseNano: bigint;
        /** the first window, where the cap covers no more */
        allowanceNano?: bigint;
        chain: ChainAccount;
    }): MeteredRequest {
        const { worstCaseNano, allowanceNano = worstCaseNano, chain, cap } = options;
        this.reserve({ cap, addedNano: allowanceNano, chain });
        return { costNano: 0n, allowanceNano, worstCaseNano, sessionKey: cap.sessionKey };
    }

    /**
     * A request may cost more from now on. One that allows no more than before is an old one and changes nothing.
     * @throws NodeRefusal `cap_too_low`, `escrow_insufficient` or `credit_line_reached`
     */
    raise(request: MeteredRequest, options: { cap: SignedCap; allowanceNano: bigint; chain: ChainAccount }): void {
        const { cap, chain } = options;
        const allowanceNano = minNano(options.allowanceNano, request.worstCaseNano);
        if (this.closed.has(request) || allowanceNano <= request.allowanceNano) return;
        this.reserve({ cap, addedNano: allowanceNano - request.allowanceNano, chain });
        request.allowanceNano = allowanceNano;
    }

    private reserve(options: { cap: SignedCap; addedNano: bigint; chain: ChainAccount }): void {
        const {
            addedNano,
            chain: { settledNano, balanceNano },
        } = options;
        const { sessionKey } = options.cap;
        const neededNano = this.cumulativeNano + this.openNano + addedNano;
        const known = this.caps.get(sessionKey.toString('hex'));
        const cap = known && known.capCumulativeNano >= options.cap.capCumulativeNano ? known : options.cap;
        if (cap.capCumulativeNano < neededNano) {
            const message = `the cap is ${cap.capCumulativeNano} nanoTON where ${neededNano} may be owed`;
            throw new NodeRefusal('cap_too_low', message);
        }
        // A dispatcher sees to this for all nodes together; one that is in league with a client need not.
        if (neededNano - settledNano > balanceNano) {
            const message = `the escrow holds ${balanceNano} nanoTON where it may owe ${neededNano - settledNano} here`;
            throw new NodeRefusal('escrow_insufficient', message);
        }
        if (neededNano - settledNano > this.creditLineNano) {
            throw new NodeRefusal(
                'credit_line_reached',
                'this escrow owes the node as much as it lends; it settles first',
                15_000,
            );
        }
        this.caps.set(sessionKey.toString('hex'), cap);
        this.openNano += addedNano;
    }

    /** Raises the request's cost and gives the figures of a receipt that says so; cost never passes what is allowed. */
    charge(request: MeteredRequest, costNano: bigint): ReceiptFigures {
        const bounded = minNano(costNano, request.allowanceNano);
        if (bounded > request.costNano) {
            const addedNano = bounded - request.costNano;
            this.cumulativeNano += addedNano;
            this.openNano -= addedNano;
            request.costNano = bounded;
        }
        this.sequence += 1;
        return { sequence: this.sequence, costNano: request.costNano, cumulativeNano: this.cumulativeNano };
    }

    /** The final receipt is signed: what was reserved beyond the cost is free again. */
    close(request: MeteredRequest): void {
        if (this.closed.has(request)) return;
        this.closed.add(request);
        this.openNano -= request.allowanceNano - request.costNano;
    }
}

function minNano(a: bigint, b: bigint): bigint {
    return a < b ? a : b;
}

function maxNano(a: bigint, b: bigint): bigint {
    return a > b ? a : b;
}
