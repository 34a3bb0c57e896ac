import type { Clock } from '../../base';
import { ChainError } from '../errors';

export interface RequestBudgetOptions {
    /** Null: unlimited. */
    perSecond: number | null;
    clock: Clock;
}

export interface Wait {
    /** By the monotonic clock. */
    deadlineAtMs: number;
    signal?: AbortSignal;
}

/** A token bucket: at most `perSecond` requests in any second, in the order of asking; and silence when told to wait. */
export class RequestBudget {
    private readonly intervalMs: number;
    private readonly burst: number;
    /** When the bucket would be full again but for one token. */
    private emptyUntilMs = 0;
    private silentUntilMs = 0;

    constructor(private readonly options: RequestBudgetOptions) {
        const { perSecond } = options;
        this.intervalMs = perSecond === null ? 0 : 1_000 / perSecond;
        this.burst = perSecond === null ? Infinity : Math.max(1, Math.floor(perSecond));
    }

    /** @throws ChainError `rpc_rate_limited` at once when the turn would come after the deadline */
    async take({ deadlineAtMs, signal }: Wait): Promise<void> {
        const { clock } = this.options;
        const turnMs = this.reserve(deadlineAtMs);
        for (let waitMs = turnMs - clock.monotonicMs(); waitMs > 0; waitMs = this.silentUntilMs - clock.monotonicMs()) {
            if (clock.monotonicMs() + waitMs > deadlineAtMs) throw tooLate();
            await clock.sleep(waitMs, signal);
        }
    }

    /** What Retry-After asks for. */
    silence(forMs: number): void {
        this.silentUntilMs = Math.max(this.silentUntilMs, this.options.clock.monotonicMs() + forMs);
    }

    get silentUntil(): number {
        return this.silentUntilMs;
    }

    private reserve(deadlineAtMs: number): number {
        const nowMs = this.options.clock.monotonicMs();
        const bucketMs = this.burst === Infinity ? nowMs : this.emptyUntilMs - (this.burst - 1) * this.intervalMs;
        const turnMs = Math.max(nowMs, bucketMs, this.silentUntilMs);
        if (turnMs > deadlineAtMs) throw tooLate();
        this.emptyUntilMs = Math.max(nowMs, this.emptyUntilMs, this.silentUntilMs) + this.intervalMs;
        return turnMs;
    }
}

function tooLate(): ChainError {
    return new ChainError(
        'rpc_rate_limited',
        'The endpoint limits our requests, and its turn comes after the deadline',
    );
}
