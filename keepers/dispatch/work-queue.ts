import PQueue from 'p-queue';
import { DispatchError } from './errors';

/**
 * The requests of one node: as many at once as it offers, a bounded number waiting, the escrow with the fewest in it
 * first, so that nobody's burst starves the others.
 */
export class WorkQueue {
    private readonly queue: PQueue;
    private readonly perEscrow = new Map<string, number>();

    constructor(
        concurrency: number,
        private readonly maxWaiting: number,
    ) {
        this.queue = new PQueue({ concurrency });
    }

    set concurrency(value: number) {
        this.queue.concurrency = value;
    }

    /** Whether work would begin at once. */
    get free(): boolean {
        return this.queue.pending < this.queue.concurrency && this.queue.size === 0;
    }

    get waiting(): number {
        return this.queue.size;
    }

    /**
     * @param signal ends the wait, with its reason; work that has begun ends by itself
     * @throws DispatchError `node_busy` at once when too many wait already
     */
    run(escrow: string, work: () => Promise<void>, signal?: AbortSignal): Promise<void> {
        if (!this.free && this.queue.size >= this.maxWaiting) {
            throw new DispatchError('node_busy', 'the node has as many requests as it takes: try another', {
                retryAfterMs: 1_000,
            });
        }
        if (signal?.aborted) return Promise.reject(signal.reason as Error);
        const ahead = this.perEscrow.get(escrow) ?? 0;
        this.perEscrow.set(escrow, ahead + 1);
        return this.add(work, { priority: -ahead, signal }).finally(() => this.leave(escrow));
    }

    private add(
        work: () => Promise<void>,
        options: { priority: number; signal: AbortSignal | undefined },
    ): Promise<void> {
        const { priority, signal } = options;
        // What begins within this call has no wait that could be ended.
        if (this.free || signal === undefined) return this.queue.add(work, { priority });
        const waiting = new AbortController();
        const giveUp = () => waiting.abort(signal.reason);
        signal.addEventListener('abort', giveUp, { once: true });
        const begin = () => {
            signal.removeEventListener('abort', giveUp);
            return work();
        };
        return this.queue.add(begin, { priority, signal: waiting.signal });
    }

    private leave(escrow: string): void {
        const left = (this.perEscrow.get(escrow) ?? 1) - 1;
        if (left === 0) this.perEscrow.delete(escrow);
        else this.perEscrow.set(escrow, left);
    }
}
