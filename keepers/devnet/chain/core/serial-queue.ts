import { ChainError } from '../errors';

interface Waiting {
    start: () => void;
    refuse: (error: ChainError) => void;
}

/** Runs tasks one after another. A task that has begun always finishes; one that waits too long never begins. */
export class SerialQueue {
    private readonly waiting: Waiting[] = [];
    private running = false;
    private closed = false;
    private idle: (() => void)[] = [];

    constructor(private readonly limits: { maxQueued: number; queueTimeoutMs: number }) {}

    async run<T>(task: () => Promise<T>): Promise<T> {
        await this.turn();
        try {
            return await task();
        } finally {
            this.next();
        }
    }

    /** Refuses what waits and what comes, and resolves when nothing runs. */
    async close(): Promise<void> {
        this.closed = true;
        for (const waiting of this.waiting.splice(0)) waiting.refuse(new ChainError('closed', 'the chain is closing'));
        if (this.running) await new Promise<void>((resolve) => this.idle.push(resolve));
    }

    private turn(): Promise<void> {
        if (this.closed) return Promise.reject(new ChainError('closed', 'the chain is closed'));
        if (!this.running) {
            this.running = true;
            return Promise.resolve();
        }
        if (this.waiting.length >= this.limits.maxQueued) {
            return Promise.reject(new ChainError('queue_full', 'too many messages are waiting, send again later'));
        }
        return this.enqueue();
    }

    private enqueue(): Promise<void> {
        return new Promise((resolve, reject) => {
            const entry: Waiting = {
                start: () => {
                    clearTimeout(timer);
                    resolve();
                },
                refuse: (error) => {
                    clearTimeout(timer);
                    reject(error);
                },
            };
            const timer = setTimeout(() => {
                this.waiting.splice(this.waiting.indexOf(entry), 1);
                reject(new ChainError('queue_timeout', 'the message was not executed in time, send again later'));
            }, this.limits.queueTimeoutMs);
            this.waiting.push(entry);
        });
    }

    private next(): void {
        const entry = this.waiting.shift();
        if (entry !== undefined) return entry.start();
        this.running = false;
        for (const resolve of this.idle.splice(0)) resolve();
    }
}
