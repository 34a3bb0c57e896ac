import PQueue from 'p-queue';
import { DispatchError } from './errors';

/**
 * The requests of one node: as many at once as it offers, a bounded number waiting, the escrow with the fewest in it
 * first, so that nobody's burst starves the others. Nor does it keep them out: where no place is left, a newcomer takes the
 * last one of the escrow with the most, as long as it has fewer even then.
 */
export class WorkQueue {
    private readonly queue: PQueue;
    private readonly perEscrow = new Map<string, number>();
    /** By escrow, what ends the wait of each of its requests, in the order of their arrival. */
    private readonly waits = new Map<string, AbortController[]>();

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
     * @throws DispatchError `node_busy` at once when too many wait already, later when another escrow takes the place
     */
    run(escrow: string, work: () => Promise<void>, signal?: AbortSignal): Promise<void> {
        if (signal?.aborted) return Promise.reject(signal.reason as Error);
        if (!this.free && this.queue.size >= this.maxWaiting) this.makeRoom(escrow);
        const ahead = this.perEscrow.get(escrow) ?? 0;
        this.perEscrow.set(escrow, ahead + 1);
        const done = this.free ? this.queue.add(work, { priority: -ahead }) : this.wait(escrow, work, -ahead, signal);
        return done.finally(() => this.leave(escrow));
    }

    private wait(
        escrow: string,
        work: () => Promise<void>,
        priority: number,
        signal: AbortSignal | undefined,
    ): Promise<void> {
        const wait = new AbortController();
        this.waits.set(escrow, [...(this.waits.get(escrow) ?? []), wait]);
        const giveUp = () => wait.abort(signal?.reason);
        const over = () => {
            signal?.removeEventListener('abort', giveUp);
            wait.signal.removeEventListener('abort', over);
            this.endWait(escrow, wait);
        };
        signal?.addEventListener('abort', giveUp, { once: true });
        wait.signal.addEventListener('abort', over, { once: true });
        const begin = () => {
            over();
            return work();
        };
        return this.queue.add(begin, { priority, signal: wait.signal });
    }

    private endWait(escrow: string, wait: AbortController): void {
        const left = (this.waits.get(escrow) ?? []).filter((other) => other !== wait);
        if (left.length === 0) this.waits.delete(escrow);
        else this.waits.set(escrow, left);
    }

    /** Two with as many each would take one place from each other for ever. */
    private makeRoom(escrow: string): void {
        const own = this.waits.get(escrow)?.length ?? 0;
        let most: AbortController[] = [];
        for (const waits of this.waits.values()) if (waits.length > most.length) most = waits;
        if (most.length < own + 2) throw nodeBusy();
        most.at(-1)!.abort(nodeBusy());
    }

    private leave(escrow: string): void {
        const left = (this.perEscrow.get(escrow) ?? 1) - 1;
        if (left === 0) this.perEscrow.delete(escrow);
        else this.perEscrow.set(escrow, left);
    }
}

function nodeBusy(): DispatchError {
    const message = 'the node has as many requests as it takes: try another';
    return new DispatchError('node_busy', message, { retryAfterMs: 1_000 });
}
