import type { OpenedContract } from '@ton/core';
import PQueue from 'p-queue';
import { maxSettlementLines, type Payout } from '../../wrappers';
import { type Clock, errorMessage, type Logger } from '../base';
import type { Settleable } from '../ledger';
import { noEffect, partialEffect } from '../outbox';
import { type ChainView, viewChain } from './chain-candidates';
import { CostBook } from './cost-book';
import { SettlementError } from './errors';
import { failedLinesOf, settleKind, settlementState } from './settlement-intents';
import { HeldLines } from './held-lines';
import { LineSignatures } from './line-signatures';
import { planRound, type RoundPlan } from './plan-round';
import { type GroupOutcome, type PlannedBatch, settleGroup } from './settle-group';
import type { SettlementSummary } from './settlement-summary';
import type { SettlerOptions } from './settler-options';
import { chunk, layersOf } from './submit-batches';
import { defaultTurns, Turns } from './turns';

const dayMs = 86_400_000;
/** How far back a restarted settler looks for lines that the chain passed over. */
const holdMemoryMs = 2 * dayMs;

export interface RoundOutcome {
    summary: SettlementSummary;
    /** Until this settler's next turn for something that waits, seconds; null when nothing does. */
    nextTurnSec: number | null;
}

/** What a settler does again and again: look, decide, send, look again. Remembers what it learnt of lines and costs. */
export class SettleRounds {
    private readonly holds: HeldLines;
    private readonly turns: Turns;
    private readonly costs: CostBook;
    private signatures: LineSignatures | null = null;
    private holdsLoaded = false;

    constructor(
        private readonly options: SettlerOptions,
        private readonly place: { hub: OpenedContract<Payout>; clock: Clock; logger: Logger },
    ) {
        const { sender, turns, holdPolicy } = options;
        this.holds = new HeldLines(holdPolicy);
        this.turns = new Turns({ settlerId: sender.wallet.address.toRawString(), ...defaultTurns, ...turns });
        this.costs = new CostBook(place.hub, place.clock);
    }

    /**
     * @param settleables of this hub's escrows, each stream once
     * @param signal once aborted, nothing more is begun; what has begun is carried through
     */
    async run(
        settleables: readonly Settleable[],
        { force, signal }: { force: boolean; signal: AbortSignal },
    ): Promise<RoundOutcome> {
        await this.prepare();
        this.signatures!.keepOnly(settleables);
        const viewedAtMs = this.place.clock.monotonicMs();
        const before = await this.view(settleables);
        await this.recordPaid(before, null);
        const plan = await this.plan(before, force);
        const outcomes = await this.submit(plan, { viewedAtMs, signal });
        return this.outcomeOf(before, plan, outcomes);
    }

    private async prepare(): Promise<void> {
        const { reader, sender } = this.options;
        const hub = this.place.hub.address;
        const state = await reader.hub(hub);
        if (state === null) throw new SettlementError('hub_unknown', `${hub} is no hub of this network`);
        this.signatures ??= new LineSignatures(state.registry.hash);
        await sender.reconcile(settleKind, (entry) => settlementState(entry, { reader, hub }));
        if (!this.holdsLoaded) await this.loadHolds();
    }

    private async loadHolds(): Promise<void> {
        const sinceMs = this.place.clock.nowMs() - holdMemoryMs;
        const { outbox } = this.options.sender;
        for (const state of ['abandoned', 'confirmed'] as const)
            for (const entry of await outbox.closed(settleKind, { state, sinceMs }))
                if (passedOver.includes(entry.errorCode))
                    failedLinesOf(entry).forEach((l) => this.holds.noteFailure(l));
        this.holdsLoaded = true;
    }

    private view(settleables: readonly Settleable[]): Promise<ChainView> {
        const { hub, logger } = this.place;
        return viewChain({
            reader: this.options.reader,
            hub: hub.address,
            settleables,
            signatures: this.signatures!,
            // Nobody's income waits for another's escrow.
            onUnreadable: (escrow, error) =>
                logger.warn({ escrow: escrow.toString('hex'), error: errorMessage(error) }, 'an escrow cannot be read'),
        });
    }

    private async plan(before: ChainView, force: boolean): Promise<RoundPlan> {
        const { client, sender, maxFeePerSettlementNano, maxFeePerDayNano } = this.options;
        const spentNano = await sender.outbox.spentNano(
            sender.wallet.address.toRawString(),
            this.place.clock.nowMs() - dayMs,
        );
        return planRound({
            candidates: before.candidates,
            costs: await this.costs.costs(),
            policy: {
                nowSec: await client.getChainTimeSec(),
                minValueToCostRatio: BigInt(this.options.minValueToCostRatio ?? 50),
                urgentWithinSec: this.options.urgentWithinSec ?? 3_600,
                deadlinesOnly: this.options.deadlinesOnly ?? false,
                force,
            },
            limits: {
                maxFeePerSettlementNano: maxFeePerSettlementNano ?? null,
                leftTodayNano: maxFeePerDayNano === undefined ? null : maxFeePerDayNano - spentNano,
            },
            holds: this.holds,
            turns: this.turns,
        });
    }

    private async submit(plan: RoundPlan, { viewedAtMs, signal }: { viewedAtMs: number; signal: AbortSignal }) {
        const outcomes: GroupOutcome[] = [];
        const queue = new PQueue({ concurrency: this.options.sender.wallet.maxUnderWay });
        for (const layer of layersOf(plan.send.map((one) => ({ ...one, escrow: one.batch.escrow })))) {
            const groups = chunk<PlannedBatch>(layer, await this.batchesAtOnce());
            const submitted = groups.map((group) => async () => {
                if (signal.aborted) plan.deferred.stopping += group.length;
                else outcomes.push(await this.submitGroup(group, viewedAtMs));
            });
            await queue.addAll(submitted);
        }
        return outcomes;
    }

    /**
     * A wallet that takes requests one by one sends several batches in each; a highload wallet one in each, side by side.
     * A settlement asks for several times what it costs: a wallet that can't show that for all sends fewer at once.
     */
    private async batchesAtOnce(): Promise<number> {
        const { wallet } = this.options.sender;
        if (wallet.maxUnderWay > 1) return 1;
        const dearestNano = (await this.place.hub.getSettleFee(maxSettlementLines)) + wallet.marginNano(1);
        const affordable = Number((await wallet.getBalanceNano()) / dearestNano);
        return Math.max(1, Math.min(affordable, this.options.maxBatchesAtOnce ?? 8));
    }

    private async submitGroup(group: readonly PlannedBatch[], viewedAtMs: number): Promise<GroupOutcome> {
        const { client, reader, sender, sendTimeoutMs = 120_000, maxFeePerSettlementNano } = this.options;
        const place = {
            ...this.place,
            reader,
            sender,
            sendTimeoutMs,
            maxFeePerSettlementNano,
            holds: this.holds,
            costs: () => this.costs.costs(),
            view: (settleables: readonly Settleable[]) => this.view(settleables),
            nowSec: () => client.getChainTimeSec(),
        };
        const outcome = await settleGroup(place, group, viewedAtMs);
        await this.recordPaid(outcome.after, outcome.result?.transactionHash ?? null);
        if (outcome.overtaken > 0) this.turns.noteOthers(await client.getChainTimeSec());
        const { result, signedLines } = outcome;
        if (result?.complete && outcome.failures.length === 0 && outcome.overtaken === 0)
            await this.costs.learn(signedLines, result.feeNano);
        return outcome;
    }

    /** A charge that is not booked yet may still be taken back, and what was paid with it. */
    private async recordPaid(view: ChainView, transactionHash: string | null): Promise<void> {
        const { ledger } = this.options;
        if (!ledger) return;
        const atMs = this.place.clock.nowMs();
        const booked = [...view.escrows.values()].filter(({ inFlightNano }) => inFlightNano === null);
        const records = booked.flatMap(({ escrow, epoch, paidNano }) =>
            [...paidNano].map(([nodeKey, amountNano]) =>
                ledger.recordPaid(
                    { escrow, epoch, nodeKey: Buffer.from(nodeKey, 'hex') },
                    { paidNano: amountNano, transactionHash: transactionHash ?? undefined, atMs },
                ),
            ),
        );
        await Promise.all(records);
    }

    private outcomeOf(before: ChainView, plan: RoundPlan, outcomes: GroupOutcome[]): RoundOutcome {
        const after = outcomes.flatMap(({ after: view }) => view.candidates);
        const sent = new Set(plan.send.flatMap(({ batch }) => batch.lines));
        const left = [...before.candidates.filter((one) => !sent.has(one)), ...after];
        const summary = {
            batches: plan.send.length - plan.deferred.stopping,
            lines: sent.size,
            settledNano: outcomes.reduce((sum, { settledNano }) => sum + settledNano, 0n),
            costNano: outcomes.reduce((sum, { result }) => sum + (result?.feeNano ?? 0n), 0n),
            outstandingNano: left.reduce((sum, { owedNano }) => sum + owedNano, 0n),
            skipped: before.skipped,
            held: plan.held,
            deferred: plan.deferred,
            failures: outcomes.flatMap(({ failures }) => failures),
            overtaken: outcomes.reduce((sum, { overtaken }) => sum + overtaken, 0),
        };
        return { summary, nextTurnSec: plan.nextTurnSec };
    }
}

/** How the outbox closed a batch that was executed and left some line unpaid. */
const passedOver: (string | null)[] = [noEffect, partialEffect, 'transaction_failed'];
