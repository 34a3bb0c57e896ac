import { Address, type Transaction } from '@ton/core';
import { beginning, type ChainClient, ChainError, type Cursor, type CursorStore, watchTransactions } from '../chain';
import type { Clock, Logger } from '../base';
import { type HubNodeEvent, readHubNodeEvent } from '../../wrappers';

/** A node key that the hub has, or once had. */
export interface KnownKey {
    nodeKey: Buffer;
    /** Of its provider. */
    owner: Address;
    /** Chain time at which the hub forgot it; null while it has it, as far as we know. */
    goneSinceSec: number | null;
}

export interface KeyHistory {
    cursor: Cursor;
    keys: readonly KnownKey[];
}

/** Where the history outlives the process. */
export interface KeyHistoryStore {
    load(): KeyHistory | null;
    save(history: KeyHistory): void;
}

export interface KnownKeysOptions {
    client: ChainClient;
    hub: Address;
    store?: KeyHistoryStore;
    clock: Clock;
    logger: Logger;
}

/** Evidence counts for days after a key's end, and a hub may forget a revoked key long before; no key lives as long as this. */
const keptAfterGoneSec = 30 * 86_400;

/** Transactions of the hub looked through in one round at most. */
const maxCatchUp = 2_048;

/** Between looks at endpoints of which none links the hub's history to what was handled. */
const retryMs = 1_000;

/**
 * Whose the node keys of a hub are, also of those that it has forgotten: from its events, handled once each and in order, and
 * from its roster. With a store it goes on after a restart where it was, so that evidence against an old key still finds the
 * provider.
 */
export class KnownKeys {
    private readonly keys = new Map<string, KnownKey>();
    private cursor: Cursor = beginning;
    private loaded = false;

    constructor(private readonly options: KnownKeysOptions) {}

    ownerOf(nodeKey: Buffer): Address | null {
        return this.keys.get(nodeKey.toString('hex'))?.owner ?? null;
    }

    add(nodeKey: Buffer, owner: Address): void {
        this.put({ nodeKey, owner, goneSinceSec: null });
    }

    /** The hub does not know it any more. */
    gone(nodeKey: Buffer, nowSec: number): void {
        const known = this.keys.get(nodeKey.toString('hex'));
        if (known !== undefined) this.put({ ...known, goneSinceSec: known.goneSinceSec ?? nowSec });
    }

    /** Catches up with the hub's events. */
    async follow(signal?: AbortSignal): Promise<void> {
        this.load();
        const { client, hub, clock, logger } = this.options;
        const store: CursorStore = {
            load: async () => this.cursor,
            save: async (cursor) => void (this.cursor = cursor),
        };
        const pace = { pollIntervalMs: retryMs, confirmations: 0, untilCaughtUp: true, maxCatchUp, clock, signal };
        try {
            for await (const transaction of watchTransactions(client, hub, { fromLt: 0n, store, ...pace }))
                this.apply(transaction);
        } catch (error) {
            if (!(error instanceof ChainError) || error.code !== 'history_gap') throw error;
            logger.error(
                { hub: hub.toString(), code: error.code },
                'the hub has more history than is looked through, or another: keys that it forgot in that time are not known',
            );
            const [newest] = await client.getTransactions(hub, { limit: 1 });
            this.cursor = newest === undefined ? beginning : { lt: newest.lt, hash: newest.hash() };
        }
    }

    save(): void {
        const oldestSec = this.options.clock.nowMs() / 1000 - keptAfterGoneSec;
        for (const [key, { goneSinceSec }] of this.keys)
            if (goneSinceSec !== null && goneSinceSec < oldestSec) this.keys.delete(key);
        this.options.store?.save({ cursor: this.cursor, keys: [...this.keys.values()] });
    }

    private put(key: KnownKey): void {
        this.keys.set(key.nodeKey.toString('hex'), key);
    }

    private apply(transaction: Transaction): void {
        for (const event of nodeEvents(transaction)) {
            if (event.kind === 'admitted') this.add(event.nodeKey, event.owner);
            else this.gone(event.nodeKey, transaction.now);
        }
    }

    private load(): void {
        if (this.loaded) return;
        this.loaded = true;
        const history = this.options.store?.load() ?? null;
        if (history === null) return;
        this.cursor = history.cursor;
        for (const key of history.keys) this.put(key);
    }
}

function nodeEvents({ outMessages }: Transaction): HubNodeEvent[] {
    const events = outMessages.values().filter(({ info }) => info.type === 'external-out');
    return events.map(({ body }) => readHubNodeEvent(body)).filter((event) => event !== null);
}
