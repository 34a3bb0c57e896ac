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

    get waiting(): number {
        return this.queue.size;
    }

    /** @throws DispatchError `node_busy` at once when too many wait already */
    run(escrow: string, work: () => Promise<void>): Promise<void> {
        const free = this.queue.pending < this.queue.concurrency;
        if (!free && this.queue.size >= this.maxWaiting) {
            throw new DispatchError('node_busy', 'the node has as many requests as it takes: try another', {
                retryAfterMs: 1_000,
            });
        }
        const ahead = this.perEscrow.get(escrow) ?? 0;
        this.perEscrow.set(escrow, ahead + 1);
        return this.queue.add(work, { priority: -ahead }).finally(() => this.leave(escrow));
    }

    private leave(escrow: string): void {
        const left = (this.perEscrow.get(escrow) ?? 1) - 1;
        if (left === 0) this.perEscrow.delete(escrow);
        else this.perEscrow.set(escrow, left);
    }
}
