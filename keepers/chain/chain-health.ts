import type { Clock } from '../base';
import type { EndpointStatus } from './endpoints/endpoint-health';
import type { EndpointPool } from './endpoints/endpoint-pool';

export type DegradedReason =
    /** Every endpoint answers in a form that this version does not know. */
    | 'schema_unknown'
    /** TON's global version rose while this process ran, and what it answers has not been watched for long enough. */
    | 'version_raised'
    /** No endpoint answers. */
    | 'unreachable'
    /** Endpoints contradict each other, and there are no two that agree. */
    | 'disagreement';

/** Plain numbers and words, for metrics, status pages and alerts. */
export interface ChainStatus {
    /** degraded: what is remembered goes on serving within its age limits, and nothing new is trusted. */
    mode: 'normal' | 'degraded';
    reasons: DegradedReason[];
    /** When the mode last changed, unix milliseconds. */
    sinceMs: number;
    /** How often the mode became degraded. */
    degradations: number;
    /** unchecked: all endpoints are of one operator, who is believed. */
    agreement: 'checked' | 'unchecked';
    operators: number;
    /** Of config parameter 8; null before it was read. */
    globalVersion: number | null;
    endpoints: EndpointStatus[];
}

export interface ChainHealthOptions {
    pool: EndpointPool;
    clock: Clock;
}

/** What state the access to the chain is in, as a value that others can watch. */
export class ChainHealth {
    private readonly listeners = new Set<(status: ChainStatus) => void>();
    private reasons: DegradedReason[] = [];
    private sinceMs: number;
    private degradations = 0;
    private version: number | null = null;
    private versionDoubtful = false;

    constructor(private readonly options: ChainHealthOptions) {
        this.sinceMs = options.clock.nowMs();
        options.pool.onChange(() => this.update());
    }

    /** Calls when the mode or its reasons change. Returns what ends it. */
    watch(listener: (status: ChainStatus) => void): () => void {
        this.listeners.add(listener);
        return () => this.listeners.delete(listener);
    }

    status(): ChainStatus {
        const { pool } = this.options;
        return {
            mode: this.isDegraded ? 'degraded' : 'normal',
            reasons: [...this.reasons],
            sinceMs: this.sinceMs,
            degradations: this.degradations,
            agreement: pool.operators >= 2 ? 'checked' : 'unchecked',
            operators: pool.operators,
            globalVersion: this.version,
            endpoints: pool.endpoints.map((endpoint) => endpoint.status()),
        };
    }

    get isDegraded(): boolean {
        return this.reasons.length > 0;
    }

    /** TON may have become something that this version does not understand: nothing is sent, nothing new trusted. */
    get isUpgraded(): boolean {
        return this.reasons.includes('schema_unknown') || this.reasons.includes('version_raised');
    }

    /** Of the canary: the version in force, and whether what it brought has been watched for long enough. */
    noteVersion(version: number, doubtful: boolean): void {
        this.version = version;
        this.versionDoubtful = doubtful;
        this.update();
    }

    private update(): void {
        const reasons = this.present();
        if (reasons.join() === this.reasons.join()) return;
        const changed = reasons.length > 0 !== this.isDegraded;
        this.reasons = reasons;
        if (changed) {
            this.sinceMs = this.options.clock.nowMs();
            if (this.isDegraded) this.degradations += 1;
        }
        const status = this.status();
        for (const listener of this.listeners) listener(status);
    }

    private present(): DegradedReason[] {
        const { endpoints, operators } = this.options.pool;
        const states = endpoints.map(({ health }) => health.state);
        const agreeing = new Set(
            endpoints.filter(({ health }) => health.state !== 'disagreeing').map(({ operator }) => operator),
        ).size;
        const reasons: DegradedReason[] = [];
        if (states.every((state) => state === 'schema_unknown')) reasons.push('schema_unknown');
        if (this.versionDoubtful) reasons.push('version_raised');
        if (endpoints.every(({ health }) => health.isSilent)) reasons.push('unreachable');
        if (operators >= 2 && agreeing < 2) reasons.push('disagreement');
        return reasons;
    }
}
