import type { Clock, Logger } from '../base';
import type { Engine, EngineHealth } from './engine';
import { NodeRefusal } from './errors';

export interface EngineWatchOptions {
    engine: Pick<Engine, 'health'>;
    clock: Pick<Clock, 'sleep'>;
    logger: Logger;
    intervalMs?: number;
}

const defaultIntervalMs = 5_000;
const healthTimeoutMs = 4_000;
/** One missed answer may be a hiccup; a gateway that is refused goes to another node. */
const failuresToRefuse = 2;

/** Asks the engine how it is, so that no client is made to find out that it is gone. */
export class EngineWatch {
    private readonly stopping = new AbortController();
    private failures = 0;

    constructor(private readonly options: EngineWatchOptions) {}

    start(): void {
        void this.watch();
    }

    stop(): void {
        this.stopping.abort();
    }

    /** Why nothing is begun now. */
    get refusal(): NodeRefusal | undefined {
        if (this.failures < failuresToRefuse) return undefined;
        const { intervalMs = defaultIntervalMs } = this.options;
        return new NodeRefusal('node_busy', 'the engine of this node is not ready', intervalMs);
    }

    private async watch(): Promise<void> {
        const { clock, intervalMs = defaultIntervalMs } = this.options;
        const { signal } = this.stopping;
        while (!signal.aborted) {
            this.judge(await this.health());
            await clock.sleep(intervalMs, signal).catch(() => undefined);
        }
    }

    private async health(): Promise<EngineHealth> {
        const signal = AbortSignal.any([this.stopping.signal, AbortSignal.timeout(healthTimeoutMs)]);
        try {
            return await this.options.engine.health(signal);
        } catch {
            return { ok: false, detail: 'the engine could not be asked' };
        }
    }

    private judge({ ok, detail }: EngineHealth): void {
        if (this.stopping.signal.aborted) return;
        const { logger } = this.options;
        const before = this.failures;
        this.failures = ok ? 0 : before + 1;
        if (this.failures === failuresToRefuse)
            logger.error({ detail }, 'the engine is not ready: requests are refused');
        if (ok && before >= failuresToRefuse) logger.info({ detail }, 'the engine is ready again');
    }
}
