import { DispatchError } from './errors';

/** A request that waits for its place. */
interface Wait {
    escrow: string;
    /** Requests of its escrow that were here before it. */
    ahead: number;
    begin: () => void;
    giveUp: (reason: Error) => void;
}

/**
 * The requests of one node: as many at once as it offers, a bounded number waiting, the escrow with the fewest in it
 * first, so that nobody's burst starves the others. Nor does it keep them out: where no place is left, a newcomer takes the
 * last one of the escrow with the most, as long as it has fewer even then.
 */
export class WorkQueue {
    private running = 0;
    /** In the order in which they begin. */
    private readonly waits: Wait[] = [];
    private readonly perEscrow = new Map<string, number>();

    constructor(
        private places: number,
        private readonly maxWaiting: number,
    ) {}

    set concurrency(value: number) {
        this.places = value;
        this.beginNext();
    }

    /** Whether work would begin at once. */
    get free(): boolean {
        return this.running < this.places && this.waits.length === 0;
    }

    get waiting(): number {
        return this.waits.length;
    }

    /**
     * @param signal ends the wait, with its reason; work that has begun ends by itself
     * @throws DispatchError `node_busy` at once when too many wait already, later when another escrow takes the place
     */
    run(escrow: string, work: () => Promise<void>, signal?: AbortSignal): Promise<void> {
        if (signal?.aborted) return Promise.reject(signal.reason as Error);
        const isFree = this.free;
        if (!isFree && this.waits.length >= this.maxWaiting) this.makeRoom(escrow);
        const ahead = this.perEscrow.get(escrow) ?? 0;
        this.perEscrow.set(escrow, ahead + 1);
        return isFree ? this.work(escrow, work) : this.wait({ escrow, ahead }, work, signal);
    }

    private async work(escrow: string, work: () => Promise<void>): Promise<void> {
        this.running += 1;
        try {
            await work();
        } finally {
            this.running -= 1;
            this.leave(escrow);
            this.beginNext();
        }
    }

    private wait(
        place: Pick<Wait, 'escrow' | 'ahead'>,
        work: () => Promise<void>,
        signal: AbortSignal | undefined,
    ): Promise<void> {
        return new Promise<void>((resolve, reject) => {
            const onAbort = () => this.giveUp(wait, signal?.reason as Error);
            const over = () => signal?.removeEventListener('abort', onAbort);
            const wait: Wait = {
                ...place,
                begin: () => {
                    over();
                    this.work(place.escrow, work).then(resolve, reject);
                },
                giveUp: (reason) => {
                    over();
                    reject(reason);
                },
            };
            signal?.addEventListener('abort', onAbort, { once: true });
            this.insert(wait);
        });
    }

    /** Behind those whose escrows have as few ahead of them. */
    private insert(wait: Wait): void {
        let at = this.waits.length;
        while (at > 0 && this.waits[at - 1]!.ahead > wait.ahead) at -= 1;
        this.waits.splice(at, 0, wait);
    }

    private beginNext(): void {
        while (this.running < this.places && this.waits.length > 0) this.waits.shift()!.begin();
    }

    private giveUp(wait: Wait, reason: Error): void {
        this.waits.splice(this.waits.indexOf(wait), 1);
        this.leave(wait.escrow);
        wait.giveUp(reason);
    }

    /** Two with as many each would take one place from each other for ever. */
    private makeRoom(escrow: string): void {
        const waiting = new Map<string, number>();
        for (const wait of this.waits) waiting.set(wait.escrow, (waiting.get(wait.escrow) ?? 0) + 1);
        let most = { escrow: '', waiting: 0 };
        for (const [other, count] of waiting) if (count > most.waiting) most = { escrow: other, waiting: count };
        if (most.waiting < (waiting.get(escrow) ?? 0) + 2) throw nodeBusy();
        this.giveUp(
            this.waits.findLast((wait) => wait.escrow === most.escrow)!,
            nodeBusy(),
        );
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
