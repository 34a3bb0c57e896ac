import type { Clock, Logger } from '../base';
import type { ChainHealth } from './chain-health';
import { readClock } from './chain-time';
import type { GlobalVersion } from './endpoints/endpoint-api';
import type { EndpointPool } from './endpoints/endpoint-pool';

/** The newest version of TON (config parameter 8) that the tests of this release ran under. */
export const testedGlobalVersion = 12;

export interface CanaryOptions {
    pool: EndpointPool;
    health: ChainHealth;
    clock: Clock;
    logger?: Logger;
    /** Between two looks at every endpoint. */
    intervalMs?: number;
    /** The same while something is wrong. */
    degradedIntervalMs?: number;
    /** For how long answers must have the known form after TON's version rose. */
    quarantineMs?: number;
}

/** The configuration is read once in so many looks: it is large, and changes by vote. */
const looksPerVersion = 10;

/**
 * Looks at every endpoint now and then, also those that nobody asks: so an upgrade of TON is noticed by its version before
 * its answers surprise anyone, and what was strange or silent is found to be well again.
 */
export class Canary {
    private known: GlobalVersion | null = null;
    /** By the monotonic clock. */
    private quietSinceMs: number | null = null;
    private looks = 0;
    private abort: AbortController | undefined;
    private running: Promise<void> | undefined;

    constructor(private readonly options: CanaryOptions) {}

    start(): void {
        if (this.abort !== undefined) return;
        const abort = new AbortController();
        this.abort = abort;
        this.running = this.run(abort.signal);
    }

    async stop(): Promise<void> {
        this.abort?.abort();
        await this.running;
        this.abort = undefined;
    }

    /** Asks every endpoint for its newest block, and now and then for TON's version. Failures show in their health. */
    async look(signal?: AbortSignal): Promise<void> {
        const { pool } = this.options;
        const asksVersion = this.looks % looksPerVersion === 0 || this.quietSinceMs !== null;
        this.looks += 1;
        await Promise.all(
            pool.endpoints.map(async (endpoint) => {
                const limits = pool.limits({ signal });
                await endpoint.retryStrangeCalls(limits);
                await readClock(endpoint, limits).catch(() => undefined);
            }),
        );
        if (asksVersion) await this.lookAtVersion(signal);
        else this.judge();
    }

    private async lookAtVersion(signal?: AbortSignal): Promise<void> {
        const version = await this.commonVersion(signal);
        if (version !== null) this.sawVersion(version);
        else this.options.logger?.debug('the chain’s version can’t be read, or endpoints tell different ones');
        this.judge();
    }

    /** What two operators say alike: one alone could keep everybody from sending. Where no other answers, the one's word. */
    private async commonVersion(signal?: AbortSignal): Promise<GlobalVersion | null> {
        const { pool } = this.options;
        const limits = pool.limits({ signal });
        const told = new Map<string, GlobalVersion>();
        for (const endpoint of pool.ranked()) {
            if (told.has(endpoint.operator)) continue;
            const said = await endpoint.call('version', (api) => api.globalVersion(), limits).catch(() => null);
            if (said === null) continue;
            if ([...told.values()].some((other) => isSame(other, said))) return said;
            told.set(endpoint.operator, said);
        }
        return told.size === 1 ? [...told.values()][0]! : null;
    }

    private sawVersion(seen: GlobalVersion): void {
        const { logger, clock } = this.options;
        const before = this.known;
        this.known = seen;
        const facts = { version: seen.version, tested: testedGlobalVersion };
        if (before === null) {
            if (seen.version > testedGlobalVersion)
                logger?.warn(facts, 'TON runs a newer version than this release was tested with');
            return;
        }
        if (seen.version <= before.version && seen.capabilities === before.capabilities) return;
        this.quietSinceMs = clock.monotonicMs();
        logger?.error(
            { ...facts, before: before.version },
            'TON was upgraded: nothing is sent until its answers have proved known',
        );
    }

    /** Quarantine begins anew with every answer that is strange. */
    private judge(): void {
        const { pool, health, clock, quarantineMs = 600_000 } = this.options;
        const nowMs = clock.monotonicMs();
        if (this.quietSinceMs !== null) {
            if (pool.endpoints.some(({ health: { strangeCalls } }) => strangeCalls.length > 0))
                this.quietSinceMs = nowMs;
            if (nowMs - this.quietSinceMs >= quarantineMs) this.quietSinceMs = null;
        }
        if (this.known !== null) health.noteVersion(this.known.version, this.quietSinceMs !== null);
    }

    private async run(signal: AbortSignal): Promise<void> {
        const { clock, health, intervalMs = 30_000, degradedIntervalMs = 5_000 } = this.options;
        while (!signal.aborted) {
            await this.look(signal).catch(() => undefined);
            await clock.sleep(health.isDegraded ? degradedIntervalMs : intervalMs, signal).catch(() => undefined);
        }
    }
}

function isSame(one: GlobalVersion, other: GlobalVersion): boolean {
    return one.version === other.version && one.capabilities === other.capabilities;
}
