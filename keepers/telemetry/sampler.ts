import { type Clock, errorMessage, systemClock } from '../base';

export interface SamplerOptions<Value> {
    read: () => Promise<Value>;
    intervalMs: number;
    /** What was read is worth nothing after this long; three intervals unless given. */
    staleAfterMs?: number;
    clock?: Clock;
}

/**
 * Reads something slow (a balance on chain, a sum over the ledger) at its own pace, so that a scrape waits for nothing
 * and asks nobody. A failed reading keeps the last good one until it is stale.
 */
export class Sampler<Value> {
    private readonly stopping = new AbortController();
    private readonly clock: Clock;
    private last: { value: Value; atMs: number } | undefined;
    private loop: Promise<void> | undefined;
    /** Why the last reading failed; null when it did not. */
    problem: string | null = null;

    constructor(private readonly options: SamplerOptions<Value>) {
        this.clock = options.clock ?? systemClock;
    }

    start(): void {
        this.loop ??= this.run();
    }

    async stop(): Promise<void> {
        this.stopping.abort(new Error('stopping'));
        await this.loop;
    }

    /** Undefined before the first good reading and when the last one is stale. */
    get value(): Value | undefined {
        const { intervalMs, staleAfterMs = 3 * intervalMs } = this.options;
        if (this.last === undefined || this.clock.monotonicMs() - this.last.atMs > staleAfterMs) return undefined;
        return this.last.value;
    }

    async sample(): Promise<void> {
        try {
            this.last = { value: await this.options.read(), atMs: this.clock.monotonicMs() };
            this.problem = null;
        } catch (error) {
            this.problem = errorMessage(error);
        }
    }

    private async run(): Promise<void> {
        const { signal } = this.stopping;
        while (!signal.aborted) {
            await this.sample();
            await this.clock.sleep(this.options.intervalMs, signal).catch(() => undefined);
        }
    }
}
