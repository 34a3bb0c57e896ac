import type { Clock } from '../base';

/** What decides whether a key is good: the hub settles its receipts. */
export interface Admission {
    /** Unix seconds. */
    notAfter: number;
    revokedAt: number | null;
}

export interface AdmittedNodesOptions {
    /** One node's, from chain. */
    readOne: (nodeKey: Buffer) => Promise<Admission | null>;
    /** All of the hub's, by node key in hex, from chain in one read. */
    readAll: () => Promise<ReadonlyMap<string, Admission>>;
    chainTimeSec: () => Promise<number>;
    clock: Clock;
    /** Single reads at the same time; whoever comes then waits for a read of all. */
    maxSingleReads?: number;
    /** From one read of all to the next; with ten thousand nodes each keeps the process busy for a moment. */
    betweenReadsOfAllMs?: number;
}

const defaultMaxSingleReads = 16;
const defaultBetweenReadsOfAllMs = 2_000;
/** The chain's clock, for all who ask at about the same time; keys live for days. */
const timeServesMs = 1_000;

/**
 * Which keys the hub has admitted. A node that dials is looked up by itself; when many do, as all do after a restart, one
 * read of the hub's whole roster answers them together. No answer is older than its question.
 */
export class AdmittedNodes {
    private singleReads = 0;
    /** The read of all that has not begun: whoever asks now may wait for it. */
    private nextRead: Promise<ReadonlyMap<string, Admission>> | undefined;
    private lastRead: Promise<unknown> = Promise.resolve();
    private lastReadAtMs = -Infinity;
    private time: { sec: Promise<number>; atMs: number } | undefined;

    constructor(private readonly options: AdmittedNodesOptions) {}

    /** @throws what reading the chain throws */
    async has(nodeKey: Buffer): Promise<boolean> {
        const [admission, nowSec] = await Promise.all([this.read(nodeKey), this.chainTimeSec()]);
        return admission !== null && admission.revokedAt === null && admission.notAfter > nowSec;
    }

    private async read(nodeKey: Buffer): Promise<Admission | null> {
        const { readOne, maxSingleReads = defaultMaxSingleReads } = this.options;
        if (this.singleReads >= maxSingleReads) return (await this.readAll()).get(nodeKey.toString('hex')) ?? null;
        this.singleReads += 1;
        try {
            return await readOne(nodeKey);
        } finally {
            this.singleReads -= 1;
        }
    }

    private readAll(): Promise<ReadonlyMap<string, Admission>> {
        if (this.nextRead === undefined) {
            this.nextRead = this.lastRead.then(() => this.beginReadOfAll());
            this.lastRead = this.nextRead.catch(() => undefined);
        }
        return this.nextRead;
    }

    private async beginReadOfAll(): Promise<ReadonlyMap<string, Admission>> {
        const { clock, readAll, betweenReadsOfAllMs = defaultBetweenReadsOfAllMs } = this.options;
        const waitMs = this.lastReadAtMs + betweenReadsOfAllMs - clock.monotonicMs();
        if (waitMs > 0) await clock.sleep(waitMs);
        // From here on the answer may be older than a question.
        this.nextRead = undefined;
        this.lastReadAtMs = clock.monotonicMs();
        return readAll();
    }

    private chainTimeSec(): Promise<number> {
        const { clock, chainTimeSec } = this.options;
        const nowMs = clock.monotonicMs();
        if (this.time !== undefined && nowMs - this.time.atMs <= timeServesMs) return this.time.sec;
        const time = { sec: chainTimeSec(), atMs: nowMs };
        this.time = time;
        time.sec.catch(() => {
            if (this.time === time) this.time = undefined;
        });
        return time.sec;
    }
}
