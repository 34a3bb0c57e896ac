import { CapNotRaised } from './errors';
import { EngineError } from './engine';
import type { MeteredRequest } from './meter';

export interface WindowWaitOptions {
    metered: MeteredRequest;
    /** What one raise is expected to add. */
    windowNano: bigint;
    /** Signs for what was delivered and asks the gateway for the next window. */
    ask: () => Promise<void>;
    timeoutMs?: number;
}

/** An answer pauses this long for a raise: an escrow that is full now may be freed by another answer's end. */
const defaultTimeoutMs = 10_000;

/** Keeps an answer within its cap: asks for the next window in good time, and stands still where it does not come. */
export class WindowWait {
    private wake: (() => void) | undefined;
    private askedAtNano = -1n;

    constructor(private readonly options: WindowWaitOptions) {}

    raised(): void {
        this.wake?.();
    }

    /**
     * Returns once the request may cost that much. More than its worst case is never allowed, and not waited for.
     * @throws CapNotRaised, EngineError when cancelled
     */
    async cover(costNano: bigint, signal: AbortSignal): Promise<void> {
        const { metered, windowNano } = this.options;
        const neededNano = costNano < metered.worstCaseNano ? costNano : metered.worstCaseNano;
        const deadlineMs = performance.now() + (this.options.timeoutMs ?? defaultTimeoutMs);
        do {
            const leftNano = metered.allowanceNano - neededNano;
            if (leftNano * 2n < windowNano) await this.askOnce();
            if (metered.allowanceNano >= neededNano) return;
            await this.untilRaised(deadlineMs - performance.now(), signal);
        } while (metered.allowanceNano < neededNano);
    }

    private async askOnce(): Promise<void> {
        const { metered, ask } = this.options;
        if (metered.allowanceNano >= metered.worstCaseNano || this.askedAtNano === metered.allowanceNano) return;
        this.askedAtNano = metered.allowanceNano;
        await ask();
    }

    private untilRaised(leftMs: number, signal: AbortSignal): Promise<void> {
        return new Promise((resolve, reject) => {
            const onAbort = () => settle(() => reject(new EngineError('cancelled', 'the request was cancelled')));
            const timer = setTimeout(() => settle(() => reject(new CapNotRaised())), Math.max(leftMs, 0));
            const settle = (act: () => void) => {
                clearTimeout(timer);
                signal.removeEventListener('abort', onAbort);
                this.wake = undefined;
                act();
            };
            this.wake = () => settle(resolve);
            signal.addEventListener('abort', onAbort, { once: true });
            if (signal.aborted) onAbort();
        });
    }
}
