import type { Clock } from '../../base';
import { ChainError } from '../errors';
import { Insistence } from './insistence';

/** Backends of one endpoint may be some blocks apart. */
const blocksBack = 20;
/** More than any chain makes: TON has made one in five seconds, and two in one. */
const blocksPerSec = 10;
/** Further ahead than the pace explains, so that neither a first backend that lags nor a quiet hour looks like a leap. */
const leapBlocks = 1_000;

export interface SeenHead {
    seqno: number;
    /** Unix seconds; null where no answer has said. */
    timeSec: number | null;
    /** By the monotonic clock. */
    seenAtMs: number;
}

/** A block that is further ahead than a chain can have come since the last one: true only if the next answer says so too. */
export class HeadLeap extends ChainError {
    constructor() {
        super('rpc_inconsistent', 'The endpoint names a block that its chain can’t have reached yet');
    }
}

/** The newest masterchain block that one endpoint has shown. It rises, at a pace that a chain can have. */
export class ShownHead {
    private head: SeenHead | null = null;
    private leapTo: number | null = null;
    private readonly older: Insistence;

    constructor(private readonly clock: Clock) {
        this.older = new Insistence(clock);
    }

    get current(): SeenHead | null {
        return this.head;
    }

    /** @throws HeadLeap; ChainError `rpc_stale` when the endpoint's chain went back */
    saw(seqno: number, timeSec: number | null): void {
        const { head } = this;
        if (head !== null && seqno < head.seqno - blocksBack) {
            if (!this.older.again())
                throw new ChainError('rpc_stale', 'The endpoint shows an older chain than it showed before');
            this.head = null;
        } else if (head !== null) this.requirePace(head, seqno);
        this.older.over();
        this.leapTo = null;
        this.take(seqno, timeSec);
    }

    private take(seqno: number, timeSec: number | null): void {
        const { head } = this;
        const seenAtMs = this.clock.monotonicMs();
        const isNewest = head === null || seqno >= head.seqno;
        this.head = isNewest ? { seqno, timeSec: timeSec ?? head?.timeSec ?? null, seenAtMs } : { ...head, seenAtMs };
    }

    private requirePace(head: SeenHead, seqno: number): void {
        const passedSec = (this.clock.monotonicMs() - head.seenAtMs) / 1_000;
        const isLeap = seqno > head.seqno + leapBlocks + passedSec * blocksPerSec;
        const isBorneOut = this.leapTo !== null && Math.abs(seqno - this.leapTo) <= leapBlocks;
        if (!isLeap || isBorneOut) return;
        this.leapTo = seqno;
        throw new HeadLeap();
    }
}
