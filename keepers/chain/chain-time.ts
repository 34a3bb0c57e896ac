import { ChainError } from './errors';
import type { CallLimits, Endpoint } from './endpoints/endpoint';
import type { EndpointPool } from './endpoints/endpoint-pool';
import { Insistence } from './endpoints/insistence';

/** One answer may move the time on by what has passed here, and a little more: blocks come at their own pace. */
const marginSec = 30;

/**
 * The chain's clock, which deadlines are compared with. It never goes back, and no single endpoint of several can push it
 * forward: what has expired frees money, and what has not keeps trust alive. Where one operator is all there is, it is
 * believed; but one slip of its must not be, so a leap has to be told twice, and one that was wrong passes.
 */
export class ChainTime {
    private believedSec = 0;
    /** By the monotonic clock. */
    private believedAtMs = 0;
    private readonly older: Insistence;

    constructor(private readonly pool: EndpointPool) {
        this.older = new Insistence(pool.clock);
    }

    /** Unix seconds of the latest block. @throws ChainError */
    async nowSec(signal?: AbortSignal): Promise<number> {
        if (this.pool.operators < 2) {
            this.believeOnly(await this.askOnly(signal));
            return this.believedSec;
        }
        const told = await this.askTwo(this.pool.limits({ signal }));
        if (told.length === 2) this.believe(Math.min(...told));
        else this.believeAlone(told[0]!);
        return this.believedSec;
    }

    private async askOnly(signal?: AbortSignal): Promise<number> {
        const told = await this.pool.first(readClock, { signal });
        if (told <= this.latestSec) return told;
        return Math.min(told, await this.pool.first(readClock, { signal }));
    }

    private believeOnly(toldSec: number): void {
        if (toldSec >= this.believedSec - marginSec) this.older.over();
        else if (this.older.again()) this.believedSec = toldSec;
        else return;
        this.believe(toldSec);
    }

    private async askTwo(limits: CallLimits): Promise<number[]> {
        const waiting = this.pool.independent({ fresh: true });
        const failures: unknown[] = [];
        const askNext = async (): Promise<number | null> => {
            for (let endpoint = waiting.shift(); endpoint !== undefined; endpoint = waiting.shift()) {
                const told = await readClock(endpoint, limits).catch((error: unknown) => void failures.push(error));
                if (typeof told === 'number') return told;
            }
            return null;
        };
        const told = (await Promise.all([askNext(), askNext()])).filter((sec) => sec !== null);
        if (told.length === 0) throw failures[0];
        return told;
    }

    /** The latest that it can be by what was believed, and by what has passed here since; nothing before anything was. */
    private get latestSec(): number {
        if (this.believedSec === 0) return 0;
        return this.believedSec + (this.pool.clock.monotonicMs() - this.believedAtMs) / 1_000 + marginSec;
    }

    private believeAlone(toldSec: number): void {
        if (toldSec <= this.latestSec) return this.advance(toldSec);
        throw new ChainError(
            'agreement_unavailable',
            'One endpoint alone is not believed about what time it is on chain',
        );
    }

    /** What two say, or the only operator there is. */
    private believe(sec: number): void {
        this.advance(sec);
        this.believedAtMs = this.pool.clock.monotonicMs();
    }

    private advance(sec: number): void {
        this.believedSec = Math.max(this.believedSec, sec);
    }
}

/** Its newest block's time, noted with its number. */
export function readClock(endpoint: Endpoint, limits: CallLimits): Promise<number> {
    return endpoint.call(
        'clock',
        async (api) => {
            const { seqno, timeSec } = await api.clock();
            endpoint.health.sawHead(seqno, timeSec);
            return timeSec;
        },
        limits,
    );
}
