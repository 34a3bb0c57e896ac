import { Address, type OpenedContract } from '@ton/core';
import { maxSettlementLines, Payout } from '../../wrappers';
import { type Clock, CocoonError, errorMessage, type Logger, silentLogger, systemClock } from '../base';
import { type ChainClient, type ChainWallet, feeMarginNano, type NetworkReader, type SendResult } from '../chain';
import type { DispatchLedger, OutboxEntry } from '../ledger';
import type { SettlerMetrics } from '../telemetry';
import { type ChainView, type SkipReason, viewChain } from './chain-candidates';
import { decideSettlements, type SettlementCosts } from './decide-settlements';
import { SettlementError } from './errors';
import { mergeSettleable, readSettleable } from './receipt-sources';
import { SettlementIntents } from './settlement-intents';
import { type Batch, roundsOf, submitBatches } from './submit-batches';

export interface SettlerOptions {
    client: ChainClient;
    reader: NetworkReader;
    wallet: ChainWallet;
    hub: Address;
    /** The dispatcher's ledger, the logs of nodes, or both. */
    ledger?: DispatchLedger;
    nodeLogFiles?: readonly string[];
    intervalMs?: number;
    minValueToCostRatio?: number;
    /** A deadline this near is urgent. */
    urgentWithinSec?: number;
    /** Settle messages in one wallet transaction at most. */
    maxBatchesAtOnce?: number;
    sendTimeoutMs?: number;
    logger?: Logger;
    clock?: Clock;
    metrics?: SettlerMetrics;
}

export interface SettlementSummary {
    /** Settle messages sent. */
    batches: number;
    lines: number;
    /** What the chain has paid on account of this run. */
    settledNano: bigint;
    /** What the gas wallet lost. */
    costNano: bigint;
    /** Owed on chain's terms, but not settled: too small yet, or failed. */
    outstandingNano: bigint;
    skipped: Record<SkipReason, number>;
    /** Codes of batches that the chain did not take; they are tried again. */
    failures: string[];
}

interface PreparedBatch {
    batch: Batch;
    entry: OutboxEntry | null;
}

/**
 * Settles receipts while it is worth it, for whoever pays the gas. Safe to run beside other settlers: sums are
 * cumulative, so a settlement that someone else made first moves nothing and costs its gas.
 */
export class SettlerService {
    private readonly hub: OpenedContract<Payout>;
    private readonly intents: SettlementIntents | null;
    private readonly clock: Clock;
    private readonly logger: Logger;
    private measured: SettlementCosts | null = null;
    private stopping: AbortController | null = null;
    private loop: Promise<void> = Promise.resolve();
    private current: Promise<unknown> = Promise.resolve();

    constructor(private readonly options: SettlerOptions) {
        if (!options.ledger && !options.nodeLogFiles?.length) {
            throw new SettlementError('source_missing', 'A settler needs a ledger or the log of a node');
        }
        this.hub = options.client.open(Payout.createFromAddress(options.hub));
        this.intents = options.ledger ? new SettlementIntents(options.ledger) : null;
        this.clock = options.clock ?? systemClock;
        this.logger = options.logger ?? silentLogger();
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
    settleOnce(options: { force?: boolean } = {}): Promise<SettlementSummary> {
        const next = this.current.catch(() => undefined).then(() => this.observe(options.force ?? false));
        this.current = next;
        return next;
    }

    private async observe(force: boolean): Promise<SettlementSummary> {
        const { metrics } = this.options;
        const startedAtMs = performance.now();
        const seconds = () => (performance.now() - startedAtMs) / 1000;
        try {
            const summary = await this.settle(force);
            metrics?.took(summary, seconds());
            return summary;
        } catch (error) {
            metrics?.failed(seconds());
            throw error;
        }
    }

    private async run(signal: AbortSignal): Promise<void> {
        while (!signal.aborted) {
            try {
                const summary = await this.settleOnce();
                if (summary.batches > 0) this.logger.info(loggable(summary), 'settled');
            } catch (error) {
                this.logger.warn(
                    { code: codeOf(error), error: errorMessage(error) },
                    'settling failed, will try again',
                );
            }
            await this.clock.sleep(this.options.intervalMs ?? 15_000, signal).catch(() => undefined);
        }
    }

    private async settle(force: boolean): Promise<SettlementSummary> {
        const { reader, hub, ledger } = this.options;
        if ((await reader.hub(hub)) === null)
            throw new SettlementError('hub_unknown', `${hub} is no hub of this network`);
        await this.intents?.reconcile({ reader, hub, atMs: this.clock.nowMs(), maxAgeMs: 180_000 });
        const settleables = await readSettleable({ ledger, nodeLogFiles: this.options.nodeLogFiles });
        const view = await viewChain({ reader, hub, settleables });
        await this.recordPaid(view, null);
        const batches = decideSettlements(view.candidates, await this.costs(), {
            nowSec: await this.options.client.getChainTimeSec(),
            minValueToCostRatio: BigInt(this.options.minValueToCostRatio ?? 50),
            urgentWithinSec: this.options.urgentWithinSec ?? 3_600,
            force,
        });
        return this.submit(batches, view);
    }

    private async submit(batches: Batch[], before: ChainView): Promise<SettlementSummary> {
        const { wallet } = this.options;
        const walletBeforeNano = batches.length > 0 ? await wallet.getBalanceNano() : 0n;
        const failures: string[] = [];
        let after = before;
        for (const round of roundsOf(batches, await this.batchesAtOnce(walletBeforeNano))) {
            const outcome = await this.submitRound(round);
            after = outcome.view;
            failures.push(...outcome.failures);
        }
        const summary = {
            batches: batches.length,
            lines: batches.reduce((sum, batch) => sum + batch.lines.length, 0),
            settledNano: batches.length > 0 ? await this.settledNano(before) : 0n,
            costNano: batches.length > 0 ? walletBeforeNano - (await wallet.getBalanceNano()) : 0n,
            outstandingNano: after.candidates.reduce((sum, { owedNano }) => sum + owedNano, 0n),
            skipped: before.skipped,
            failures,
        };
        if (failures.length === 0) this.learnCosts(summary);
        return summary;
    }

    /** A settlement asks for several times what it costs: a wallet that can't show that for all sends fewer at once. */
    private async batchesAtOnce(walletNano: bigint): Promise<number> {
        const dearestNano = (await this.hub.getSettleFee(maxSettlementLines)) + feeMarginNano;
        const affordable = Number(walletNano / dearestNano);
        return Math.max(1, Math.min(affordable, this.options.maxBatchesAtOnce ?? 8));
    }

    /** Whatever the send came to, what the chain has paid afterwards decides. */
    private async submitRound(round: Batch[]): Promise<{ failures: string[]; view: ChainView }> {
        const prepared = await Promise.all(round.map((batch) => this.prepare(batch)));
        const { result, errorCode } = await this.send(round);
        const { reader, hub } = this.options;
        const open = await readSettleable({ ledger: this.options.ledger, nodeLogFiles: this.options.nodeLogFiles });
        // Another settler on the same ledger may have seen these paid already: then it no longer names them.
        const sent = round.flatMap(({ lines }) => lines.map(({ settleable }) => settleable));
        const view = await viewChain({ reader, hub, settleables: mergeSettleable([...sent, ...open]) });
        await this.recordPaid(view, result?.transactionHash ?? null);
        const failures: string[] = [];
        for (const { batch, entry } of prepared) {
            const failure = hasMoved(batch, view) ? null : (errorCode ?? 'charge_refused');
            if (failure !== null) failures.push(failure);
            if (!entry) continue;
            await this.intents!.close(entry, {
                transactionHash: result?.transactionHash ?? null,
                errorCode: failure,
                atMs: this.clock.nowMs(),
            });
        }
        return { failures, view };
    }

    private async prepare(batch: Batch): Promise<PreparedBatch> {
        return { batch, entry: this.intents ? await this.intents.record(batch, this.clock.nowMs()) : null };
    }

    /** A started send is carried through even while stopping: half-known money is worse than a slow stop. */
    private async send(batches: Batch[]): Promise<{ result: SendResult | null; errorCode: string | null }> {
        try {
            const { wallet, sendTimeoutMs: timeoutMs = 120_000 } = this.options;
            return { result: await submitBatches({ hub: this.hub, wallet, batches, timeoutMs }), errorCode: null };
        } catch (error) {
            const errorCode = codeOf(error);
            this.logger.warn({ code: errorCode, error: errorMessage(error) }, 'a settlement was not sent or refused');
            return { result: null, errorCode };
        }
    }

    private async recordPaid(view: ChainView, transactionHash: string | null): Promise<void> {
        const { ledger } = this.options;
        if (!ledger) return;
        const atMs = this.clock.nowMs();
        const records = [...view.escrows.values()].flatMap(({ escrow, epoch, paidNano }) =>
            [...paidNano].map(([nodeKey, amountNano]) =>
                ledger.recordPaid(
                    { escrow, epoch, nodeKey: Buffer.from(nodeKey, 'hex') },
                    { paidNano: amountNano, transactionHash: transactionHash ?? undefined, atMs },
                ),
            ),
        );
        await Promise.all(records);
    }

    private async settledNano(before: ChainView): Promise<bigint> {
        const { reader, hub } = this.options;
        let sum = 0n;
        for (const { address, epoch, paidNano } of before.escrows.values()) {
            const nodeKeys = [...paidNano.keys()].map((key) => Buffer.from(key, 'hex'));
            const now = await reader.escrow({ address, hub, nodeKeys: () => nodeKeys });
            if (now?.epoch !== epoch) continue;
            for (const [key, amountNano] of now.paidNano) sum += amountNano - paidNano.get(key)!;
        }
        return sum;
    }

    /** Measured once a settlement went through; before that the hub's upper bound. */
    private async costs(): Promise<SettlementCosts> {
        if (this.measured) return this.measured;
        const [one, two] = await Promise.all([this.hub.getSettleCost(1), this.hub.getSettleCost(2)]);
        return { batchNano: one - (two - one), lineNano: two - one };
    }

    private learnCosts({ batches, lines, costNano }: SettlementSummary): void {
        if (batches === 0 || costNano <= 0n) return;
        // A line costs about a tenth of what a batch does; exactness is not needed to decide on a factor of fifty.
        const lineNano = costNano / BigInt(batches * 10 + lines);
        this.measured = { batchNano: lineNano * 10n, lineNano };
    }
}

/** Some line of the batch owes less than before, or nothing. */
function hasMoved(batch: Batch, after: ChainView): boolean {
    const snapshot = after.escrows.get(batch.escrow);
    if (!snapshot) return false;
    return batch.lines.some((line) => {
        const left = after.candidates.find((one) => one.nodeKey === line.nodeKey && one.escrow === line.escrow);
        return snapshot.epoch === line.epoch && (left === undefined || left.owedNano < line.owedNano);
    });
}

function codeOf(error: unknown): string {
    return error instanceof CocoonError ? (error as CocoonError).code : 'unexpected';
}

function loggable(summary: SettlementSummary) {
    return {
        ...summary,
        settledNano: summary.settledNano.toString(),
        costNano: summary.costNano.toString(),
        outstandingNano: summary.outstandingNano.toString(),
    };
}
