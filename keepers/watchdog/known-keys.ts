import type { Address, Transaction } from '@ton/core';
import { type ChainClient, ChainError, transactionsSince } from '../chain';
import type { Logger } from '../base';
import { type HubNodeEvent, readHubNodeEvent } from '../../wrappers';

/** Transactions of a hub looked through for one catch-up at most; what is older is known from receipts, if at all. */
const maxCatchUp = 1_024;

/** Node keys that a hub knows, from its events and from receipts at hand. */
export class KnownKeys {
    private readonly keys = new Map<string, Buffer>();
    private handledLt: bigint | null = null;

    constructor(private readonly options: { client: ChainClient; hub: Address; logger: Logger }) {}

    list(): Buffer[] {
        return [...this.keys.values()];
    }

    add(nodeKey: Buffer): void {
        this.keys.set(nodeKey.toString('hex'), nodeKey);
    }

    /** The hub does not know it any more. */
    forget(nodeKey: Buffer): void {
        this.keys.delete(nodeKey.toString('hex'));
    }

    /** Catches up with the hub's events. */
    async follow(): Promise<void> {
        const { client, hub, logger } = this.options;
        try {
            const fromLt = this.handledLt ?? 0n;
            const fresh = await transactionsSince(client, hub, { fromLt, maxCatchUp });
            for (const transaction of fresh) nodeEvents(transaction).forEach((event) => this.apply(event));
            this.handledLt = fresh.at(-1)?.lt ?? fromLt;
        } catch (error) {
            if (!(error instanceof ChainError) || error.code !== 'history_gap') throw error;
            logger.warn(
                { hub: hub.toString() },
                'the hub has more history than is looked through: older nodes are known from receipts alone',
            );
            const [newest] = await client.getTransactions(hub, { limit: 1 });
            this.handledLt = newest?.lt ?? 0n;
        }
    }

    private apply(event: HubNodeEvent): void {
        if (event.kind === 'admitted') this.add(event.nodeKey);
        else this.forget(event.nodeKey);
    }
}

function nodeEvents({ outMessages }: Transaction): HubNodeEvent[] {
    const events = outMessages.values().filter(({ info }) => info.type === 'external-out');
    return events.map(({ body }) => readHubNodeEvent(body)).filter((event) => event !== null);
}
