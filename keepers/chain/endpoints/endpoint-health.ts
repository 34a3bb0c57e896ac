import type { Clock } from '../../base';
import { ChainError, type ChainErrorCode } from '../errors';
import type { EndpointKind } from './endpoint-settings';
import { type SeenHead, ShownHead } from './shown-head';

export type EndpointState =
    | 'healthy'
    /** Does not answer, or not in time. */
    | 'unreachable'
    | 'rate_limited'
    /** Its chain is far behind that of another endpoint, or went back. */
    | 'lagging'
    /** Said what an independent endpoint contradicts, or contradicted itself. */
    | 'disagreeing'
    /** Answers in a form that this version does not know: perhaps TON was upgraded. */
    | 'schema_unknown';

/** Plain numbers for metrics and status pages; counts are since the process began. */
export interface EndpointStatus {
    /** Host: never a path or a key. */
    origin: string;
    kind: EndpointKind;
    state: EndpointState;
    calls: number;
    failures: number;
    rateLimited: number;
    malformed: number;
    stale: number;
    disagreements: number;
    lastErrorCode: ChainErrorCode | null;
    lastErrorAtMs: number | null;
    lastOkAtMs: number | null;
    /** Of the last good call, waiting for a turn not counted. */
    latencyMs: number | null;
    headSeqno: number | null;
    headTimeSec: number | null;
}

const firstPauseMs = 500;
const longestPauseMs = 5_000;
const distrustMs = 15_000;
/** This many failures in a row, and calls fail at once until the pause is over. */
const failuresToOpen = 10;
const failuresToSilence = 3;

const ownFault = new Set<ChainErrorCode>([
    'rpc_unavailable',
    'rpc_rate_limited',
    'rpc_malformed',
    'rpc_stale',
    'rpc_inconsistent',
]);

/** Whether another endpoint may do better. */
export function isEndpointFault(error: unknown): boolean {
    return error instanceof ChainError && ownFault.has(error.code);
}

/** What one endpoint's answers say about it. Only counts and states: nothing here asks anything. */
export class EndpointHealth {
    private readonly counts = { calls: 0, failures: 0, rateLimited: 0, malformed: 0, stale: 0, disagreements: 0 };
    /** Calls whose answers had another form, until one of them has the known form again. */
    private readonly strange = new Set<string>();
    private trouble: Exclude<EndpointState, 'schema_unknown' | 'lagging'> = 'healthy';
    private inARow = 0;
    /** These two by the monotonic clock. */
    private avoidedUntilMs = 0;
    private distrustedUntilMs = 0;
    private lastError: { code: ChainErrorCode; atMs: number } | null = null;
    private lastOk: { atMs: number; latencyMs: number } | null = null;
    private readonly shownHead: ShownHead;
    private isLagging = false;

    constructor(
        private readonly clock: Clock,
        private readonly onChange: () => void,
    ) {
        this.shownHead = new ShownHead(clock);
    }

    succeeded(name: string, latencyMs: number): void {
        this.counts.calls += 1;
        this.lastOk = { atMs: this.clock.nowMs(), latencyMs };
        this.inARow = 0;
        this.avoidedUntilMs = 0;
        this.strange.delete(name);
        if (this.trouble !== 'disagreeing') this.trouble = 'healthy';
        this.onChange();
    }

    failed(name: string, error: ChainError): void {
        this.counts.calls += 1;
        // A refused message or a get method that failed is a good answer.
        if (!isEndpointFault(error)) return;
        const nowMs = this.clock.monotonicMs();
        this.counts.failures += 1;
        this.inARow += 1;
        this.lastError = { code: error.code, atMs: this.clock.nowMs() };
        this.avoidedUntilMs = nowMs + Math.min(longestPauseMs, firstPauseMs * 2 ** Math.min(this.inARow - 1, 10));
        this.note(name, error.code);
        this.onChange();
    }

    private note(name: string, code: ChainErrorCode): void {
        if (code === 'rpc_malformed') {
            this.counts.malformed += 1;
            this.strange.add(name);
        } else if (code === 'rpc_rate_limited') {
            this.counts.rateLimited += 1;
            this.trouble = 'rate_limited';
        } else if (code === 'rpc_stale') {
            this.counts.stale += 1;
            this.isLagging = true;
        } else if (code === 'rpc_inconsistent') {
            this.distrust();
        } else if (this.trouble !== 'disagreeing') {
            this.trouble = 'unreachable';
        }
    }

    /** Others say something else. */
    distrust(): void {
        this.counts.disagreements += 1;
        this.trouble = 'disagreeing';
        this.distrustedUntilMs = this.clock.monotonicMs() + distrustMs;
        this.onChange();
    }

    /** An independent endpoint says the same. */
    agreed(): void {
        if (this.trouble !== 'disagreeing' || this.clock.monotonicMs() < this.distrustedUntilMs) return;
        this.trouble = 'healthy';
        this.onChange();
    }

    /**
     * Of a block that an answer is from; within a call, which asks again where the block can't be.
     * @throws HeadLeap; ChainError `rpc_stale` when the endpoint's chain went back
     */
    sawHead(seqno: number, timeSec: number | null): void {
        this.shownHead.saw(seqno, timeSec);
    }

    get head(): SeenHead | null {
        return this.shownHead.current;
    }

    lags(isLagging: boolean): void {
        if (this.isLagging === isLagging) return;
        this.isLagging = isLagging;
        this.onChange();
    }

    /** It failed so often in a row that it is left alone until the pause is over. */
    get isOpen(): boolean {
        return this.inARow >= failuresToOpen && this.clock.monotonicMs() < this.avoidedUntilMs;
    }

    /** Several times in a row no answer came. */
    get isSilent(): boolean {
        return this.inARow >= failuresToSilence && this.trouble === 'unreachable';
    }

    get isAvoided(): boolean {
        return this.clock.monotonicMs() < this.avoidedUntilMs;
    }

    get strangeCalls(): readonly string[] {
        return [...this.strange];
    }

    get state(): EndpointState {
        if (this.strange.size > 0) return 'schema_unknown';
        if (this.trouble === 'healthy' && this.isLagging) return 'lagging';
        return this.trouble;
    }

    status(): Omit<EndpointStatus, 'origin' | 'kind'> {
        return {
            state: this.state,
            ...this.counts,
            lastErrorCode: this.lastError?.code ?? null,
            lastErrorAtMs: this.lastError?.atMs ?? null,
            lastOkAtMs: this.lastOk?.atMs ?? null,
            latencyMs: this.lastOk?.latencyMs ?? null,
            headSeqno: this.head?.seqno ?? null,
            headTimeSec: this.head?.timeSec ?? null,
        };
    }
}
