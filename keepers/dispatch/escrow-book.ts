import { type Clock, systemClock } from '../base';
import { FewAtOnce } from './few-at-once';

/** What the chain says of one escrow, read in one call so that balance and paid sums belong together. */
export interface EscrowAccount {
    /** Account id, 32 bytes. */
    escrow: Buffer;
    epoch: number;
    status: 'open' | 'closing' | 'closed';
    balanceNano: bigint;
    /** Keys whose caps the escrow still honours, newest first. */
    sessionKeys: readonly { publicKey: Buffer; validUntilSec: number }[];
    /** By node key in hex: what the escrow has paid that node in this epoch. */
    paidNano: ReadonlyMap<string, bigint>;
}

/** Reads the chain; null when the account is no genuine escrow of this hub. */
export type ReadEscrow = (escrow: Buffer) => Promise<EscrowAccount | null>;

interface Entry {
    account: Promise<EscrowAccount | null>;
    /** By the monotonic clock. */
    readAtMs: number;
    /** The chain has not answered yet. */
    pending: boolean;
}

/**
 * Anybody can name an escrow that is none, at no cost, or ask again and again about one without funds. So reads for their
 * sake go few at a time: an endpoint serves requests in order, and those of clients at work would be far behind them.
 */
const strangersAtOnce = 6;
const maxStrangersWaiting = 256;

/** Whoever asks for a fresh answer gets one no older than this: nobody makes us read one escrow more often. */
const freshMs = 250;

export interface EscrowBookOptions {
    read: ReadEscrow;
    /** How long an answer serves before it is read again. */
    maxAgeMs?: number;
    maxEntries?: number;
    clock?: Clock;
}

/** Escrows as last read, bounded in age and number; concurrent readers of one escrow share one call. */
export class EscrowBook {
    private readonly entries = new Map<string, Entry>();
    /** Ids of escrows that were seen to be genuine, the last seen last. */
    private readonly genuine = new Set<string>();
    private readonly strangers = new FewAtOnce(strangersAtOnce);
    private readonly maxAgeMs: number;
    private readonly maxEntries: number;
    private readonly clock: Clock;

    constructor(private readonly options: EscrowBookOptions) {
        this.maxAgeMs = options.maxAgeMs ?? 5_000;
        this.maxEntries = options.maxEntries ?? 200_000;
        this.clock = options.clock ?? systemClock;
    }

    get(escrow: Buffer, maxAgeMs = this.maxAgeMs): Promise<EscrowAccount | null> {
        const id = escrow.toString('hex');
        const known = this.entries.get(id);
        const nowMs = this.clock.monotonicMs();
        if (known !== undefined && nowMs - known.readAtMs <= this.servesMs(known, maxAgeMs)) return known.account;
        const isRoutine = this.genuine.has(id) && (known === undefined || nowMs - known.readAtMs > this.maxAgeMs);
        if (!isRoutine && this.strangers.waiting >= maxStrangersWaiting)
            return known?.account ?? Promise.reject(new Error('too many escrows are being looked up'));
        const entry: Entry = { account: this.read(escrow, isRoutine), readAtMs: nowMs, pending: true };
        this.entries.delete(id);
        this.entries.set(id, entry);
        if (this.entries.size > this.maxEntries) this.entries.delete(this.entries.keys().next().value!);
        entry.account.then(
            (account) => {
                entry.pending = false;
                if (account !== null) this.remember(id);
            },
            () => {
                if (this.entries.get(id) === entry) this.entries.delete(id);
            },
        );
        return entry.account;
    }

    private read(escrow: Buffer, isRoutine: boolean): Promise<EscrowAccount | null> {
        const { read } = this.options;
        if (isRoutine) return read(escrow);
        // A copy: it may wait, and the message that named it is large.
        const named = Buffer.from(escrow);
        return this.strangers.run(() => read(named));
    }

    private remember(id: string): void {
        this.genuine.delete(id);
        this.genuine.add(id);
        if (this.genuine.size > this.maxEntries) this.genuine.delete(this.genuine.values().next().value!);
    }

    private servesMs({ pending }: Entry, maxAgeMs: number): number {
        return Math.max(maxAgeMs, pending ? this.maxAgeMs : freshMs);
    }

    forget(escrow: Buffer): void {
        this.entries.delete(escrow.toString('hex'));
    }
}
