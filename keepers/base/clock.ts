/** Time is an argument everywhere, so that tests tick by hand. */
export interface Clock {
    /** Unix time in milliseconds, for dates. Operators and NTP set it, also back. */
    nowMs(): number;
    /** Milliseconds since a moment of its own, for durations: how old something is, how long to wait. Nobody sets it. */
    monotonicMs(): number;
    /** Resolves after `delayMs`, rejects with the signal's reason when aborted. */
    sleep(delayMs: number, signal?: AbortSignal): Promise<void>;
}

const monotonicMs = () => Number(process.hrtime.bigint() / 1_000_000n);

export const systemClock: Clock = {
    nowMs: () => Date.now(),
    monotonicMs,
    sleep: (delayMs, signal) => sleep(delayMs, signal),
};

/** For work that must not keep a process alive which has nothing else to do. */
export const backgroundClock: Clock = {
    nowMs: () => Date.now(),
    monotonicMs,
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
    /** Begins elsewhere than the date, so that a mix-up of the two shows. */
    private passedMs = 0;

    constructor(private currentMs: number) {}

    nowMs(): number {
        return this.currentMs;
    }

    monotonicMs(): number {
        return this.passedMs;
    }

    sleep(delayMs: number, signal?: AbortSignal): Promise<void> {
        return new Promise((resolve, reject) => {
            if (signal?.aborted) return reject(abortReason(signal));
            const sleeper = { atMs: this.passedMs + delayMs, wake: resolve };
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
        this.passedMs += byMs;
        const due = this.sleepers.filter((sleeper) => sleeper.atMs <= this.passedMs).sort((a, b) => a.atMs - b.atMs);
        this.sleepers = this.sleepers.filter((sleeper) => sleeper.atMs > this.passedMs);
        for (const sleeper of due) sleeper.wake();
    }

    /** Sets the date alone, as an operator or NTP does: no time passes. */
    setBy(byMs: number): void {
        this.currentMs += byMs;
    }
}
