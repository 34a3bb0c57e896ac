import { type Clock, systemClock } from './clock';
import { isRetryable } from './errors';

export interface RetryOptions {
    attempts: number;
    firstDelayMs: number;
    maxDelayMs: number;
    signal?: AbortSignal;
    clock?: Clock;
    /** Which errors are worth another try; by default those whose action is `retry`. */
    shouldRetry?: (error: unknown) => boolean;
    /** 0..1, for jitter. */
    random?: () => number;
}

/** Calls `act` until it succeeds, with exponential back-off and full jitter; throws the last error. */
export async function retry<T>(act: (attempt: number) => Promise<T>, options: RetryOptions): Promise<T> {
    const { clock = systemClock, shouldRetry = isRetryable, random = Math.random } = options;
    for (let attempt = 1; ; attempt++) {
        try {
            return await act(attempt);
        } catch (error) {
            if (attempt >= options.attempts || options.signal?.aborted || !shouldRetry(error)) throw error;
        }
        const ceilingMs = Math.min(options.maxDelayMs, options.firstDelayMs * 2 ** (attempt - 1));
        await clock.sleep(ceilingMs * (0.5 + random() / 2), options.signal);
    }
}
