import { cancelled, EngineError, throwIfAborted } from './errors';

interface Waiter<T> {
    give: (slot: T) => void;
    refuse: (error: EngineError) => void;
}

/** A fixed set of places to run in and a bounded, first-come queue before them. */
export class SlotPool<T> {
    private readonly free: T[];
    private readonly waiting: Waiter<T>[] = [];
    private readonly size: number;
    private closed = false;
    private drained: (() => void) | undefined;

    constructor(
        slots: readonly T[],
        private readonly maxWaiting: number,
    ) {
        this.free = [...slots];
        this.size = slots.length;
    }

    async acquire(signal: AbortSignal): Promise<T> {
        throwIfAborted(signal);
        if (this.closed) throw closedError();
        const slot = this.free.pop();
        if (slot !== undefined) return slot;
        if (this.waiting.length >= this.maxWaiting) {
            throw new EngineError(
                'engine_overloaded',
                `the engine is busy and ${this.maxWaiting} requests wait already`,
            );
        }
        return this.wait(signal);
    }

    release(slot: T): void {
        const next = this.waiting.shift();
        if (next) next.give(slot);
        else this.free.push(slot);
        if (this.free.length === this.size) this.drained?.();
    }

    /** Whoever still waits is refused; resolves when every slot in use has come back. */
    async close(): Promise<void> {
        this.closed = true;
        for (const waiter of this.waiting.splice(0)) waiter.refuse(closedError());
        if (this.free.length === this.size) return;
        await new Promise<void>((resolve) => (this.drained = resolve));
    }

    private wait(signal: AbortSignal): Promise<T> {
        return new Promise<T>((resolve, reject) => {
            const leave = () => {
                this.waiting.splice(this.waiting.indexOf(waiter), 1);
                reject(cancelled(signal));
            };
            const waiter: Waiter<T> = {
                give: (slot) => {
                    signal.removeEventListener('abort', leave);
                    resolve(slot);
                },
                refuse: (error) => {
                    signal.removeEventListener('abort', leave);
                    reject(error);
                },
            };
            signal.addEventListener('abort', leave, { once: true });
            this.waiting.push(waiter);
        });
    }
}

function closedError(): EngineError {
    return new EngineError('engine_unavailable', 'the engine is shutting down');
}
