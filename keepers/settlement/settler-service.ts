import { type Clock, errorMessage, type Logger, silentLogger, systemClock } from '../base';
import { SettlementError } from './errors';
import { codeOf } from './settle-group';
import { HubRounds, type SettlerOutcome } from './hub-rounds';
import { loggable, type SettlementSummary, type SettlerReport } from './settlement-summary';
import type { SettlerOptions } from './settler-options';

/**
 * Settles receipts while it is worth it, for whoever pays the gas. Safe to run beside other settlers: sums are
 * cumulative, so a settlement that someone else made first moves nothing and costs its gas; see `Turns`.
 */
export class SettlerService {
    private readonly rounds: HubRounds;
    private readonly clock: Clock;
    private readonly logger: Logger;
    private stopping: AbortController | null = null;
    private loop: Promise<void> = Promise.resolve();
    private current: Promise<unknown> = Promise.resolve();

    constructor(private readonly options: SettlerOptions) {
        if (!options.ledger && !options.nodeLogFiles?.length) {
            throw new SettlementError('source_missing', 'A settler needs a ledger or the log of a node');
        }
        this.clock = options.clock ?? systemClock;
        this.logger = options.logger ?? silentLogger();
        this.rounds = new HubRounds(options, { clock: this.clock, logger: this.logger });
    }

    start(): void {
        if (this.stopping) return;
        this.stopping = new AbortController();
        this.loop = this.run(this.stopping.signal);
    }

    /** Finishes what is under way, starts nothing more. */
    async stop(): Promise<void> {
        this.stopping?.abort();
        await this.loop;
        await this.current.catch(() => undefined);
        this.stopping = null;
    }

    /** One round; calls wait for each other. */
    async settleOnce(options: { force?: boolean } = {}): Promise<SettlerReport> {
        return (await this.round(options.force ?? false)).summary;
    }

    private round(force: boolean): Promise<SettlerOutcome> {
        const signal = this.stopping?.signal ?? new AbortController().signal;
        const next = this.current.catch(() => undefined).then(() => this.observed(force, signal));
        this.current = next;
        return next;
    }

    private async observed(force: boolean, signal: AbortSignal): Promise<SettlerOutcome> {
        const { metrics } = this.options;
        const startedAtMs = performance.now();
        const seconds = () => (performance.now() - startedAtMs) / 1000;
        try {
            const outcome = await this.rounds.run(force, signal);
            metrics?.took(outcome.summary, seconds());
            return outcome;
        } catch (error) {
            metrics?.failed(codeOf(error), seconds());
            throw error;
        }
    }

    private async run(signal: AbortSignal): Promise<void> {
        while (!signal.aborted) {
            const delayMs = await this.roundAndDelay();
            await this.clock.sleep(delayMs, signal).catch(() => undefined);
        }
    }

    private async roundAndDelay(): Promise<number> {
        const { intervalMs = 15_000 } = this.options;
        try {
            const { summary, nextTurnSec } = await this.round(false);
            if (isNews(summary)) this.logger.info(loggable(summary), 'settled');
            return nextTurnSec === null ? intervalMs : Math.min(intervalMs, nextTurnSec * 1000);
        } catch (error) {
            this.logger.warn({ code: codeOf(error), error: errorMessage(error) }, 'settling failed, will try again');
            return intervalMs;
        }
    }
}

/** A round in which nothing was sent is worth a line when a limit of the operator's is why. */
function isNews({ batches, deferred }: SettlementSummary): boolean {
    return batches > 0 || deferred.fee_above_ceiling > 0 || deferred.budget_exhausted > 0;
}
