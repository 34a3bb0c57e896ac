import { type Clock, errorMessage, type Logger } from '../base';
import { type Pause, restBetweenSlices } from './maintenance/pause';

export interface RetentionJobOptions {
    retentionMs: number;
    /** Deletes what is closed and older, a slice at a time; says what went, by kind. */
    compact: (beforeMs: number, pause: Pause) => Promise<Readonly<Record<string, number>>>;
    clock: Clock;
    logger: Logger;
}

const hourMs = 3_600_000;
const leastIntervalMs = 60_000;
/** A process that is often started again must come to it all the same. */
const firstAfterMs = 60_000;
const runsPerRetention = 24;

/** Keeps a store no larger than what its retention lets it keep: looks through it now and then, beside its other work. */
export class RetentionJob {
    /** Since the start, by kind. */
    readonly deleted = new Map<string, number>();
    /** When it last ran to its end. */
    lastRunAtMs: number | null = null;
    /** Why the last run did not, null where it did. */
    problem: string | null = null;
    private readonly stopping = new AbortController();
    private loop: Promise<void> | undefined;

    constructor(private readonly options: RetentionJobOptions) {}

    start(): void {
        this.loop ??= this.run();
    }

    async stop(): Promise<void> {
        this.stopping.abort(new Error('stopping'));
        await this.loop;
    }

    async runOnce(): Promise<void> {
        const { compact, retentionMs, clock, logger } = this.options;
        try {
            const went = await compact(clock.nowMs() - retentionMs, restBetweenSlices(this.stopping.signal));
            for (const [what, count] of Object.entries(went))
                this.deleted.set(what, (this.deleted.get(what) ?? 0) + count);
            this.lastRunAtMs = clock.nowMs();
            this.problem = null;
            if (Object.values(went).some((count) => count > 0)) logger.info(went, 'what was old and closed is deleted');
        } catch (error) {
            if (this.stopping.signal.aborted) return;
            this.problem = errorMessage(error);
            logger.warn({ reason: this.problem }, 'what is old could not be deleted: it is tried again');
        }
    }

    private async run(): Promise<void> {
        const { clock, retentionMs } = this.options;
        const { signal } = this.stopping;
        const intervalMs = Math.min(hourMs, Math.max(leastIntervalMs, retentionMs / runsPerRetention));
        const sleep = (ms: number) => clock.sleep(ms, signal).catch(() => undefined);
        await sleep(firstAfterMs);
        while (!signal.aborted) {
            await this.runOnce();
            await sleep(intervalMs);
        }
    }
}
