/** Ends with another signal, or by itself after a while. */
export interface TimeLimit {
    signal: AbortSignal;
    /** It is not needed any more. */
    end(): void;
}

export interface TimeLimitReasons {
    /** Why it ended by itself. */
    late?: () => Error;
    /** In place of the other signal's reason. */
    gone?: () => Error;
}

/** As `AbortSignal.any` with `AbortSignal.timeout`, at a fraction of what these cost each request. */
export function timeLimit(signal: AbortSignal, afterMs: number, reasons: TimeLimitReasons = {}): TimeLimit {
    const { late = () => new Error('it took longer than it may'), gone } = reasons;
    const limit = new AbortController();
    const onAbort = () => limit.abort(gone?.() ?? signal.reason);
    const timer = setTimeout(() => limit.abort(late()), afterMs);
    timer.unref();
    if (signal.aborted) onAbort();
    signal.addEventListener('abort', onAbort, { once: true });
    const end = () => {
        clearTimeout(timer);
        signal.removeEventListener('abort', onAbort);
    };
    return { signal: limit.signal, end };
}
