import { nowSec, type Clock } from '../base';
import type { ParsedEnvelope } from '../confidential';
import type { EscrowAccount, EscrowBook } from '../dispatch';
import { NodeRefusal } from './errors';
import type { ChainAccount } from './meter';

/** What a node asks of an escrow on chain before it works for it. */
export class EscrowCheck {
    constructor(private readonly options: { nodeKey: Buffer; clock: Clock }) {}

    /** One that may be worked for. @throws NodeRefusal */
    async account(envelope: ParsedEnvelope, book: EscrowBook): Promise<EscrowAccount> {
        const { escrow } = envelope.context;
        const remembered = await this.read(book, escrow);
        if (remembered !== null && this.problemOf(envelope, remembered) === undefined) return remembered;
        const fresh = await this.read(book, escrow, 0);
        if (fresh === null) throw new NodeRefusal('escrow_unknown', 'no escrow of this hub has that address');
        const problem = this.problemOf(envelope, fresh);
        if (problem !== undefined) throw problem;
        return fresh;
    }

    async read(book: EscrowBook, escrow: Buffer, maxAgeMs?: number): Promise<EscrowAccount | null> {
        try {
            return await book.get(escrow, maxAgeMs);
        } catch {
            throw new NodeRefusal('chain_unavailable', 'the node cannot read the chain at the moment', 2_000);
        }
    }

    private problemOf({ context, sessionKey }: ParsedEnvelope, account: EscrowAccount): NodeRefusal | undefined {
        if (account.status !== 'open') return new NodeRefusal('escrow_unknown', `the escrow is ${account.status}`);
        if (account.epoch !== context.epoch) return new NodeRefusal('escrow_unknown', 'the escrow is in another epoch');
        const current = account.sessionKeys[0];
        if (
            current === undefined ||
            !current.publicKey.equals(sessionKey) ||
            current.validUntilSec <= nowSec(this.options.clock)
        ) {
            return new NodeRefusal(
                'session_unknown',
                'the session key is not the current one of the escrow, or has expired',
            );
        }
        return undefined;
    }

    /** A deposit may be on chain that we have not read yet. */
    async withFreshFunds<T>(
        { envelope, book, account }: { envelope: ParsedEnvelope; book: EscrowBook; account: EscrowAccount },
        act: (funds: EscrowAccount) => T,
    ): Promise<T> {
        try {
            return act(account);
        } catch (error) {
            if (!(error instanceof NodeRefusal) || error.code !== 'escrow_insufficient') throw error;
            const fresh = await this.read(book, envelope.context.escrow, 0);
            if (fresh === null) throw error;
            return act(fresh);
        }
    }

    /** As this node's meter needs it. */
    chainOf({ paidNano, balanceNano }: EscrowAccount): ChainAccount {
        return { settledNano: paidNano.get(this.options.nodeKey.toString('hex')) ?? 0n, balanceNano };
    }
}
