import { type Clock, CocoonError, errorMessage, type Logger } from '../base';
import type { EarningsTally } from './earnings-tally';
import type { Engine, EngineHealth, EngineModel } from './engine';
import type { OfferBook } from './offers';
import type { NodeService } from './service';
import { type NodeStatus, writeNodeStatus } from './status-file';

export interface StatusReporterOptions {
    file: string;
    dispatcherUrl: string;
    clock: Clock;
    logger: Logger;
}

/** What a node that serves is asked about itself. */
export interface ReportedParts {
    service: Pick<NodeService, 'connected' | 'dispatchers' | 'inFlight' | 'activity'>;
    engine: Pick<Engine, 'health'>;
    models: readonly EngineModel[];
    offers: Pick<OfferBook, 'current'>;
    tally: EarningsTally;
    nodeKey: Buffer;
    keyNotAfterSec: () => number;
}

const intervalMs = 5_000;
const healthTimeoutMs = 4_000;

/** Keeps the status file current from the first moment on, so that a node that fails to start says why there too. */
export class StatusReporter {
    private timer: NodeJS.Timeout | undefined;
    private status: NodeStatus;
    private parts: ReportedParts | undefined;
    private failed = false;

    constructor(private readonly options: StatusReporterOptions) {
        const nowMs = options.clock.nowMs();
        this.status = {
            version: 1,
            pid: process.pid,
            phase: 'starting',
            failure: null,
            startedAtMs: nowMs,
            updatedAtMs: nowMs,
            nodeKey: null,
            keyNotAfterSec: null,
            dispatcher: { url: options.dispatcherUrl, connected: false, problem: null },
            dispatchers: [],
            engine: null,
            offer: null,
            requests: { inFlight: 0, answered: 0, refused: {}, lastAtMs: null },
        };
        this.write({});
        this.timer = setInterval(() => void this.report(), intervalMs);
    }

    async serving(parts: ReportedParts): Promise<void> {
        this.parts = parts;
        await this.report();
    }

    end(phase: 'stopped' | 'failed', error?: unknown): void {
        clearInterval(this.timer);
        const code: string = error instanceof CocoonError ? (error as CocoonError).code : 'unknown';
        this.write({ phase, failure: phase === 'failed' ? { code, message: errorMessage(error) } : null });
    }

    private async report(): Promise<void> {
        if (this.parts === undefined) return this.write({});
        const { service, engine, models, offers, nodeKey, keyNotAfterSec } = this.parts;
        const health = await engine
            .health(AbortSignal.timeout(healthTimeoutMs))
            .catch((error: unknown): EngineHealth => ({ ok: false, detail: errorMessage(error) }));
        const { problem, ...activity } = service.activity;
        this.write({
            phase: 'serving',
            nodeKey: nodeKey.toString('hex'),
            keyNotAfterSec: keyNotAfterSec(),
            dispatcher: { url: this.options.dispatcherUrl, connected: service.connected, problem },
            dispatchers: service.dispatchers,
            engine: {
                ...health,
                models: models.map(({ capabilities, ...model }) => ({ ...model, capabilities: [...capabilities] })),
            },
            offer: { hash: offers.current.hash.toString('hex'), expiresAtSec: offers.current.expiresAtSec },
            requests: { ...activity, inFlight: service.inFlight },
        });
    }

    /** A full disk must not end a node that serves; the receipt log decides whether it may. */
    private write(changes: Partial<NodeStatus>): void {
        this.status = { ...this.status, ...changes, updatedAtMs: this.options.clock.nowMs() };
        try {
            this.parts?.tally.save();
            writeNodeStatus(this.options.file, this.status);
            this.failed = false;
        } catch (error) {
            if (!this.failed)
                this.options.logger.warn(
                    { reason: errorMessage(error) },
                    'the status file or the tally was not written',
                );
            this.failed = true;
        }
    }
}
