/** Time is an argument everywhere, so that tests tick by hand. */
export interface Clock {
    /** Unix time in milliseconds. */
    nowMs(): number;
    /** Resolves after `delayMs`, rejects with the signal's reason when aborted. */
    sleep(delayMs: number, signal?: AbortSignal): Promise<void>;
}

export const systemClock: Clock = {
    nowMs: () => Date.now(),
    sleep: (delayMs, signal) => sleep(delayMs, signal),
};

/** For work that must not keep a process alive which has nothing else to do. */
export const backgroundClock: Clock = {
    nowMs: () => Date.now(),
    sleep: (delayMs, signal) => sleep(delayMs, signal, true),
};

export function nowSec(clock: Clock): number {
    return Math.floor(clock.nowMs() / 1000);
}

/** A sleep that every caller can abort; one in the background does not keep the process alive. */
export function sleep(delayMs: number, signal?: AbortSignal, inBackground = false): Promise<void> {
    return new Promise((resolve, reject) => {
        if (signal?.aborted) return reject(abortReason(signal));
        const onAbort = () => {
            clearTimeout(timer);
            reject(abortReason(signal));
        };
        const timer = setTimeout(() => {
            signal?.removeEventListener('abort', onAbort);
            resolve();
        }, delayMs);
        if (inBackground) timer.unref();
        signal?.addEventListener('abort', onAbort, { once: true });
    });
}

function abortReason(signal: AbortSignal | undefined): Error {
    return signal?.reason instanceof Error ? signal.reason : new Error('aborted');
}

/** A clock moved by hand. Sleepers wake in order when `advance` passes their time. */
export class ManualClock implements Clock {
    private sleepers: { atMs: number; wake: () => void }[] = [];

    constructor(private currentMs: number) {}

    nowMs(): number {
        return this.currentMs;
    }

    sleep(delayMs: number, signal?: AbortSignal): Promise<void> {
        return new Promise((resolve, reject) => {
            if (signal?.aborted) return reject(abortReason(signal));
            const sleeper = { atMs: this.currentMs + delayMs, wake: resolve };
            this.sleepers.push(sleeper);
            signal?.addEventListener(
                'abort',
                () => {
                    this.sleepers = this.sleepers.filter((other) => other !== sleeper);
                    reject(abortReason(signal));
                },
                { once: true },
            );
        });
    }

    advance(byMs: number): void {
        this.currentMs += byMs;
        const due = this.sleepers.filter((sleeper) => sleeper.atMs <= this.currentMs).sort((a, b) => a.atMs - b.atMs);
        this.sleepers = this.sleepers.filter((sleeper) => sleeper.atMs > this.currentMs);
        for (const sleeper of due) sleeper.wake();
    }
}
