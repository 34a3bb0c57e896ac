import { type Clock, systemClock } from '../../base';
import { ChainError } from '../errors';
import { type CallLimits, Endpoint } from './endpoint';
import { type EndpointState, isEndpointFault } from './endpoint-health';
import { type EndpointSettings, resolveEndpoint } from './endpoint-settings';
import { type HttpExchange, httpExchange } from './http-exchange';
import type { SeenHead } from './shown-head';

export interface EndpointPoolOptions {
    /** In order of preference; a text is the URL of a toncenter v2 endpoint. */
    endpoints: readonly (string | EndpointSettings)[];
    /** Of endpoints given by their URL alone. */
    apiKey?: string;
    /** The same. */
    requestsPerSecond?: number;
    /** Of one request. */
    timeoutMs?: number;
    /** Of one call with all its attempts, at whichever endpoints. */
    deadlineMs?: number;
    /** Attempts of one call, over all endpoints. */
    attempts?: number;
    firstDelayMs?: number;
    maxDelayMs?: number;
    maxConcurrency?: number;
    clock?: Clock;
    exchange?: HttpExchange;
    /** 0..1, for jitter. */
    random?: () => number;
}

export interface PoolLimits {
    signal?: AbortSignal;
    onSent?: () => void;
    /** Operators that are not to be asked. */
    except?: ReadonlySet<string>;
    /** Not those that lag: their past could be taken for the present. */
    fresh?: boolean;
}

type Act<T> = (endpoint: Endpoint, limits: CallLimits) => Promise<T>;

const ranks: Record<EndpointState, number> = {
    healthy: 0,
    lagging: 1,
    rate_limited: 2,
    unreachable: 3,
    disagreeing: 4,
    schema_unknown: 5,
};

/** Blocks behind the best: about a minute. */
const laggingBlocks = 150;
/** A head seen later than this after another can't be compared with it: that chain went on too. */
const comparableMs = 15_000;
/** One seen earlier says as much while it is about as old as the canary lets it become. */
const witnessedMs = 60_000;

/** All endpoints, and one call's way through them: the best first, another when it fails, until the deadline. */
export class EndpointPool {
    readonly endpoints: readonly Endpoint[];
    readonly clock: Clock;
    private readonly listeners = new Set<() => void>();

    constructor(private readonly options: EndpointPoolOptions) {
        if (options.endpoints.length === 0) throw new ChainError('rpc_refused', 'At least one endpoint is needed');
        this.clock = options.clock ?? systemClock;
        this.endpoints = options.endpoints.map((given) => this.endpointOf(given));
    }

    /** Different hosts: what two of these agree on no single one can make up. */
    get operators(): number {
        return new Set(this.endpoints.map(({ operator }) => operator)).size;
    }

    onChange(listener: () => void): void {
        this.listeners.add(listener);
    }

    limits(limits: PoolLimits = {}): CallLimits {
        const deadlineAtMs = this.clock.monotonicMs() + (this.options.deadlineMs ?? 30_000);
        return { deadlineAtMs, signal: limits.signal, onSent: limits.onSent };
    }

    /** @throws ChainError, the last endpoint's when none could answer */
    async first<T>(act: Act<T>, wanted: PoolLimits = {}): Promise<T> {
        const limits = this.limits(wanted);
        const tried = new Set<Endpoint>();
        for (let attempt = 1; ; attempt++) {
            const endpoint = this.next(tried, wanted);
            tried.add(endpoint);
            try {
                return await act(endpoint, limits);
            } catch (error) {
                if (!this.mayRetry(error, tried, wanted)) throw error;
                if (attempt >= (this.options.attempts ?? 5) || limits.signal?.aborted) throw error;
                await this.pause({ attempt, tried, wanted, limits, error });
            }
        }
    }

    /** Endpoints to ask, best first, one an operator. */
    independent({ except = new Set(), fresh = false }: PoolLimits = {}): Endpoint[] {
        const seen = new Set(except);
        return this.ranked().filter((endpoint) => {
            if (seen.has(endpoint.operator) || (fresh && endpoint.health.state === 'lagging')) return false;
            seen.add(endpoint.operator);
            return true;
        });
    }

    private next(tried: ReadonlySet<Endpoint>, { except }: PoolLimits): Endpoint {
        const allowed = this.ranked().filter(({ operator }) => except?.has(operator) !== true);
        const endpoint = allowed.find((candidate) => !tried.has(candidate) && !candidate.health.isOpen);
        if (endpoint !== undefined) return endpoint;
        const again = allowed.find(({ health }) => !health.isOpen);
        if (again !== undefined) return again;
        throw new ChainError(
            'rpc_unavailable',
            'No endpoint has answered for a while: the next attempt is in some seconds',
        );
    }

    /** Another endpoint may know better; the same one only where the failure was of the moment. */
    private mayRetry(error: unknown, tried: ReadonlySet<Endpoint>, wanted: PoolLimits): boolean {
        if (!(error instanceof ChainError)) return false;
        const another = this.endpoints.some(
            (endpoint) => !tried.has(endpoint) && wanted.except?.has(endpoint.operator) !== true,
        );
        if (another) return isEndpointFault(error) || error.code === 'rpc_refused';
        return isEndpointFault(error) && error.action === 'retry';
    }

    /** None before an endpoint that was not asked yet; growing, with jitter, before asking one again. */
    private async pause(at: {
        attempt: number;
        tried: ReadonlySet<Endpoint>;
        wanted: PoolLimits;
        limits: CallLimits;
        error: unknown;
    }): Promise<void> {
        const { firstDelayMs = 250, maxDelayMs = 5_000, random = Math.random } = this.options;
        if (!at.tried.has(this.next(at.tried, at.wanted))) return;
        const ceilingMs = Math.min(maxDelayMs, firstDelayMs * 2 ** (at.attempt - 1));
        const delayMs = ceilingMs * (0.5 + random() / 2);
        if (this.clock.monotonicMs() + delayMs >= at.limits.deadlineAtMs) throw at.error;
        await this.clock.sleep(delayMs, at.limits.signal);
    }

    /** By health, then by the operator's order. */
    ranked(): Endpoint[] {
        const rank = ({ health }: Endpoint) => ranks[health.state] + (health.isAvoided ? 10 : 0);
        return [...this.endpoints].sort((a, b) => rank(a) - rank(b));
    }

    private endpointOf(given: string | EndpointSettings): Endpoint {
        const {
            apiKey,
            requestsPerSecond,
            timeoutMs = 10_000,
            maxConcurrency = 8,
            exchange = httpExchange,
        } = this.options;
        const settings = typeof given === 'string' ? { url: given, apiKey, requestsPerSecond } : given;
        return new Endpoint({
            settings: resolveEndpoint(settings),
            exchange,
            timeoutMs,
            maxConcurrency,
            clock: this.clock,
            onChange: () => this.changed(),
        });
    }

    private changed(): void {
        this.markLagging();
        for (const listener of this.listeners) listener();
    }

    private markLagging(): void {
        for (const endpoint of this.endpoints) {
            const own = endpoint.health.head;
            if (own !== null) endpoint.health.lags(this.isBehind(own, endpoint.operator));
        }
    }

    /** By the word of two operators; of one, where no other can say: a number that one made up must not set the pace. */
    private isBehind(own: SeenHead, operator: string): boolean {
        const seen = this.endpoints.flatMap(({ health: { head }, operator: by }) =>
            head !== null && head !== own && isComparable(head, own) ? [{ seqno: head.seqno, by }] : [],
        );
        const ahead = new Set(seen.filter(({ seqno }) => seqno - own.seqno > laggingBlocks).map(({ by }) => by));
        const others = new Set(seen.map(({ by }) => by).filter((by) => by !== operator));
        return ahead.size >= Math.max(1, Math.min(2, others.size));
    }
}

function isComparable(other: SeenHead, own: SeenHead): boolean {
    const laterMs = other.seenAtMs - own.seenAtMs;
    return laterMs <= comparableMs && laterMs >= -witnessedMs;
}
