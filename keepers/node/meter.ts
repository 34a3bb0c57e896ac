import { NodeRefusal } from './errors';

/** One request's place in an escrow's account with this node. */
export interface MeteredRequest {
    /** Cost so far of this request. */
    costNano: bigint;
    readonly worstCaseNano: bigint;
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
    private capNano = 0n;

    /** @param creditLineNano most that may be owed unsettled */
    constructor(private readonly creditLineNano: bigint) {}

    /** The highest cap of the stream: what receipts are held against, since its requests interleave. */
    get highestNano(): bigint {
        return this.capNano;
    }

    /** @throws NodeRefusal `cap_too_low` or `credit_line_reached` */
    admit(options: { capCumulativeNano: bigint; worstCaseNano: bigint; settledNano: bigint }): MeteredRequest {
        const { capCumulativeNano, worstCaseNano, settledNano } = options;
        const neededNano = this.cumulativeNano + this.openNano + worstCaseNano;
        const capNano = capCumulativeNano > this.capNano ? capCumulativeNano : this.capNano;
        if (capNano < neededNano) {
            throw new NodeRefusal('cap_too_low', `the cap is ${capNano} nanoTON where ${neededNano} may be owed`);
        }
        if (neededNano - settledNano > this.creditLineNano) {
            throw new NodeRefusal(
                'credit_line_reached',
                'this escrow owes the node as much as it lends; it settles first',
                15_000,
            );
        }
        this.capNano = capNano;
        this.openNano += worstCaseNano;
        return { costNano: 0n, worstCaseNano };
    }

    /** Raises the request's cost and gives the figures of a receipt that says so; cost never passes the worst case. */
    charge(request: MeteredRequest, costNano: bigint): ReceiptFigures {
        const bounded = costNano > request.worstCaseNano ? request.worstCaseNano : costNano;
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
        this.openNano -= request.worstCaseNano - request.costNano;
    }
}
