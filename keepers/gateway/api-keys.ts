import { statSync } from 'node:fs';
import { type Clock, errorMessage, type Logger } from '../base';
import { type ApiKey, hashKey, readKeyFile } from './api-key-file';
import { GatewayError } from './errors';

/** How soon a changed file is noticed. */
const checkIntervalMs = 1_000;
const minuteMs = 60_000;

interface Use {
    inFlight: number;
    /** of the requests of the last minute, oldest first, by the monotonic clock */
    startedAtMs: number[];
}

/** What a caller is told of its rate, as OpenAI names it. */
export interface RateFacts {
    limit: number;
    remaining: number;
    resetMs: number;
}

/** The keys of a gateway's callers, and how much each asks right now. The file is read again when it changes. */
export class ApiKeys {
    private byHash: ReadonlyMap<string, ApiKey>;
    private readonly uses = new Map<string, Use>();
    private checkedAtMs = -Infinity;
    private stamp: string;

    /** @throws CocoonError `config_invalid`, or what the reading of a secret throws */
    constructor(
        private readonly file: string,
        private readonly options: { clock: Clock; logger: Logger },
    ) {
        this.stamp = stampOf(file);
        this.byHash = byHash(readKeyFile(file));
    }

    /** @throws GatewayError `invalid_api_key` */
    require(given: string | undefined): ApiKey {
        this.reloadIfChanged();
        const key = given === undefined ? undefined : this.byHash.get(hashKey(given));
        if (key !== undefined) return key;
        throw new GatewayError(
            'invalid_api_key',
            'the API key is missing or not one of this gateway: see its apiKeysFile',
        );
    }

    /**
     * Counts a request in; call what it returns when the request is over.
     * @throws GatewayError `rate_limit_exceeded` or `too_many_concurrent_requests`
     */
    begin(key: ApiKey): () => void {
        const use = this.useOf(key);
        const { requestsPerMinute, maxConcurrent } = key;
        if (maxConcurrent !== undefined && use.inFlight >= maxConcurrent) {
            const message = `the key '${key.name}' has ${maxConcurrent} requests open, as many as it may: wait for one to end`;
            throw new GatewayError('too_many_concurrent_requests', message, { retryAfterMs: 1_000 });
        }
        if (requestsPerMinute !== undefined && use.startedAtMs.length >= requestsPerMinute) {
            const message = `the key '${key.name}' may ask ${requestsPerMinute} times a minute: wait`;
            throw new GatewayError('rate_limit_exceeded', message, { retryAfterMs: this.rate(key)!.resetMs });
        }
        use.inFlight += 1;
        if (requestsPerMinute !== undefined) use.startedAtMs.push(this.options.clock.monotonicMs());
        return once(() => (use.inFlight -= 1));
    }

    /** Undefined for a key without a rate. */
    rate(key: ApiKey): RateFacts | undefined {
        if (key.requestsPerMinute === undefined) return undefined;
        const { startedAtMs } = this.useOf(key);
        const oldest = startedAtMs[0];
        return {
            limit: key.requestsPerMinute,
            remaining: Math.max(key.requestsPerMinute - startedAtMs.length, 0),
            resetMs: oldest === undefined ? 0 : Math.max(oldest + minuteMs - this.options.clock.monotonicMs(), 1),
        };
    }

    private useOf({ name }: ApiKey): Use {
        const use = this.uses.get(name) ?? { inFlight: 0, startedAtMs: [] };
        this.uses.set(name, use);
        const since = this.options.clock.monotonicMs() - minuteMs;
        while (use.startedAtMs.length > 0 && use.startedAtMs[0]! <= since) use.startedAtMs.shift();
        return use;
    }

    /** A file that does not hold together leaves the keys as they were: nobody is locked out by a slip. */
    private reloadIfChanged(): void {
        const nowMs = this.options.clock.monotonicMs();
        if (nowMs - this.checkedAtMs < checkIntervalMs) return;
        this.checkedAtMs = nowMs;
        const { logger } = this.options;
        try {
            const stamp = stampOf(this.file);
            if (stamp === this.stamp) return;
            this.stamp = stamp;
            this.byHash = byHash(readKeyFile(this.file));
            logger.info({ keys: this.byHash.size }, 'API keys read again');
        } catch (error) {
            logger.error({ reason: errorMessage(error) }, 'the changed API keys cannot be read; the old ones stay');
        }
    }
}

function byHash(keys: readonly ApiKey[]): Map<string, ApiKey> {
    return new Map(keys.map((key) => [key.sha256, key]));
}

function stampOf(file: string): string {
    const { mtimeNs, size, ino } = statSync(file, { bigint: true });
    return `${mtimeNs}/${size}/${ino}`;
}

function once(act: () => void): () => void {
    let done = false;
    return () => {
        if (done) return;
        done = true;
        act();
    };
}
