import type { Address } from '@ton/core';
import PQueue from 'p-queue';
import { type Clock, errorMessage } from '../../base';
import { ChainError } from '../errors';
import { ToncenterV2 } from '../toncenter-v2/api-v2';
import { ToncenterV4 } from '../toncenter-v4/api-v4';
import { answerError, retryAfterMs } from './answer-errors';
import type { ApiRequest, EndpointApi } from './endpoint-api';
import { EndpointHealth, type EndpointStatus } from './endpoint-health';
import type { ResolvedEndpoint } from './endpoint-settings';
import type { HttpExchange } from './http-exchange';
import { Insistence } from './insistence';
import { RequestBudget } from './request-budget';
import { HeadLeap } from './shown-head';

export interface EndpointOptions {
    settings: ResolvedEndpoint;
    exchange: HttpExchange;
    /** Of one request. */
    timeoutMs: number;
    maxConcurrency: number;
    clock: Clock;
    onChange: () => void;
}

export interface CallLimits {
    /** By the monotonic clock. */
    deadlineAtMs: number;
    signal?: AbortSignal;
    /** The first request has left: who joins later would get an older answer than it asked for. */
    onSent?: () => void;
}

/** Of which the last logical time shown is remembered. */
const rememberedAccounts = 20_000;

export type ApiCall<T> = (api: EndpointApi) => Promise<T>;

/** One endpoint: its API within its rate and deadlines, and what its answers say about it. */
export class Endpoint {
    readonly health: EndpointHealth;
    private readonly queue: PQueue;
    private readonly budget: RequestBudget;
    /** Of accounts as last shown, oldest first; `older` once an answer went back behind that. */
    private readonly shownLts = new Map<string, { lt: bigint; older?: Insistence }>();
    /** Calls whose answers had another form, to be tried again. */
    private readonly strange = new Map<string, ApiCall<unknown>>();

    constructor(private readonly options: EndpointOptions) {
        const { clock, settings, maxConcurrency } = options;
        this.health = new EndpointHealth(clock, options.onChange);
        this.queue = new PQueue({ concurrency: maxConcurrency });
        this.budget = new RequestBudget({ perSecond: settings.requestsPerSecond, clock });
    }

    get origin(): string {
        return this.options.settings.origin;
    }

    get operator(): string {
        return this.options.settings.operator;
    }

    status(): EndpointStatus {
        const { origin, kind } = this.options.settings;
        return { origin, kind, ...this.health.status() };
    }

    /**
     * One call of the API; `name` groups calls whose answers have one form.
     * @throws ChainError, with the endpoint's host as context
     */
    async call<T>(name: string, act: ApiCall<T>, limits: CallLimits): Promise<T> {
        let sentAtMs: number | undefined;
        const onSent = () => {
            sentAtMs ??= this.options.clock.monotonicMs();
            limits.onSent?.();
        };
        try {
            const value = await this.borneOut(act, this.apiWithin({ ...limits, onSent }));
            this.strange.delete(name);
            this.health.succeeded(name, this.options.clock.monotonicMs() - (sentAtMs ?? 0));
            return value;
        } catch (error) {
            // A caller that gave up says nothing about the endpoint, and neither does our own turn that came too late.
            if (limits.signal?.aborted === true) throw error;
            const failure = this.withOrigin(error);
            if (sentAtMs !== undefined) this.health.failed(name, failure);
            if (failure.code === 'rpc_malformed') this.strange.set(name, act);
            throw failure;
        }
    }

    /**
     * Takes note of what a read of now showed.
     * @throws ChainError `rpc_stale` when the account was newer before: another of the endpoint's machines answered
     */
    sawAccount(address: Address, lt: bigint | null): void {
        const key = address.toRawString();
        const shown = this.shownLts.get(key);
        if (lt === null) return;
        if (shown !== undefined && lt < shown.lt && !(shown.older ??= new Insistence(this.options.clock)).again()) {
            throw new ChainError('rpc_stale', 'The endpoint shows an account as it was before what it showed already');
        }
        this.shownLts.delete(key);
        this.shownLts.set(key, { lt });
        if (this.shownLts.size > rememberedAccounts) this.shownLts.delete(this.shownLts.keys().next().value!);
    }

    /** Asks again what was answered in another form; whoever was upgraded may have come to be understood. */
    async retryStrangeCalls(limits: CallLimits): Promise<void> {
        for (const [name, act] of [...this.strange]) await this.call(name, act, limits).catch(() => undefined);
    }

    /** One slip must not decide what this endpoint's newest block is: asked again, it says so again or was wrong. */
    private async borneOut<T>(act: ApiCall<T>, api: EndpointApi): Promise<T> {
        try {
            return await act(api);
        } catch (error) {
            if (!(error instanceof HeadLeap)) throw error;
            return act(api);
        }
    }

    private apiWithin(limits: CallLimits): EndpointApi {
        const { kind } = this.options.settings;
        const request: ApiRequest = (wanted) => this.request(wanted, limits);
        return kind === 'v4' ? new ToncenterV4(request) : new ToncenterV2(request);
    }

    private request(wanted: Parameters<ApiRequest>[0], limits: CallLimits): Promise<unknown> {
        return this.queue.add(async () => {
            await this.budget.take(limits);
            limits.signal?.throwIfAborted();
            const leftMs = limits.deadlineAtMs - this.options.clock.monotonicMs();
            if (leftMs <= 0) throw new ChainError('rpc_unavailable', `${this.origin} did not answer in time`);
            limits.onSent?.();
            return this.send(wanted, Math.min(leftMs, this.options.timeoutMs), limits.signal);
        });
    }

    private async send(wanted: Parameters<ApiRequest>[0], timeoutMs: number, signal?: AbortSignal): Promise<unknown> {
        const { method, path = '', body } = wanted;
        const { settings, exchange, clock } = this.options;
        const answer = await exchange({
            method: body === undefined ? 'GET' : 'POST',
            url: `${settings.url}${path}`,
            headers: {
                ...(body === undefined ? {} : { 'content-type': 'application/json' }),
                ...(settings.apiKey === undefined ? {} : { 'x-api-key': settings.apiKey }),
            },
            ...(body === undefined ? {} : { body: JSON.stringify(body) }),
            timeoutMs,
            ...(signal === undefined ? {} : { signal }),
        });
        const parsed = parseJson(answer.text);
        if (settings.kind === 'v4' && answer.status === 200 && parsed !== undefined) return parsed;
        if (settings.kind === 'v2' && answer.status === 200 && isResult(parsed)) return parsed.result;
        const error = answerError({ method, origin: this.origin, answer, body: parsed });
        if (error.code === 'rpc_rate_limited') this.budget.silence(retryAfterMs(answer.retryAfter, clock.nowMs()));
        throw error;
    }

    private withOrigin(error: unknown): ChainError {
        const known = error instanceof ChainError ? error : undefined;
        const code = known?.code ?? 'rpc_malformed';
        return new ChainError(code, known?.message ?? `The endpoint answered in another form: ${errorMessage(error)}`, {
            context: { ...known?.context, endpoint: this.origin },
            cause: known?.cause ?? error,
        });
    }
}

function parseJson(text: string): unknown {
    try {
        return JSON.parse(text) as unknown;
    } catch {
        return undefined;
    }
}

function isResult(body: unknown): body is { result: unknown } {
    return typeof body === 'object' && body !== null && (body as { ok?: unknown }).ok === true;
}
