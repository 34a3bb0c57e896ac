import type { OpenedContract } from '@ton/core';
import { type Clock, CocoonError, errorMessage, type Logger } from '../base';
import type { NetworkReader, SendResult } from '../chain';
import type { Settleable } from '../ledger';
import type { IntentOutcome, OutboxSender } from '../outbox';
import type { Payout } from '../../wrappers';
import { type ChainCandidate, type ChainView, emptyView } from './chain-candidates';
import type { SettlementCosts } from './decide-settlements';
import { SettlementError } from './errors';
import { batchCostNano } from './fee-limits';
import type { HeldLines } from './held-lines';
import { noteLines, refusingEscrows } from './note-lines';
import { lineOf } from './plan-round';
import { settleIntent, settlementState } from './settlement-intents';
import { type Batch, settleMessages } from './submit-batches';

export interface GroupPlace {
    reader: NetworkReader;
    hub: OpenedContract<Payout>;
    sender: OutboxSender;
    holds: HeldLines;
    clock: Clock;
    logger: Logger;
    sendTimeoutMs: number;
    maxFeePerSettlementNano?: bigint;
    /** At this moment's prices. */
    costs(): Promise<SettlementCosts>;
    view(settleables: readonly Settleable[]): Promise<ChainView>;
    nowSec(): Promise<number>;
}

export interface PlannedBatch {
    batch: Batch;
}

export interface GroupOutcome {
    after: ChainView;
    /** What was signed of the group: lines of each batch. */
    signedLines: number[];
    result: SendResult | null;
    settledNano: bigint;
    /** Batches of which the chain paid nothing, by code. */
    failures: string[];
    /** Messages that came to nothing because somebody's settlement was there first. */
    overtaken: number;
}

/** Between our look at an escrow and the signature another settler may have been there; older views are read again. */
const freshForMs = 1_500;

/**
 * One wallet request with a Settle for each batch, of different escrows. What the chain has paid afterwards decides.
 * @param viewedAtMs when the escrows were looked at, by the monotonic clock
 */
export async function settleGroup(
    place: GroupPlace,
    group: readonly PlannedBatch[],
    viewedAtMs: number,
): Promise<GroupOutcome> {
    const { reader, hub, sender, logger } = place;
    const batches = group.map(({ batch }) => batch);
    let signed: readonly Batch[] = [];
    const { result, error, outcomes } = await sender.send({
        intents: batches.map((batch) => settleIntent(hub.address, batch, place.maxFeePerSettlementNano)),
        messages: async () => {
            signed = await wantedOf(place, batches, viewedAtMs);
            return settleMessages(sender.wallet.address, hub, signed);
        },
        stateOf: (entry) => settlementState(entry, { reader, hub: hub.address }),
        estimatedFeeNano: async () => feeOf(signed, await place.costs()),
        timeoutMs: place.sendTimeoutMs,
    });
    const code = error === null ? null : codeOf(error);
    const isOthers = code === settledMeanwhile || code === 'intent_under_way';
    if (error !== null && !isOthers)
        logger.warn({ code, error: errorMessage(error) }, 'a settlement was not sent, or refused');
    const after = await viewAfter(place, batches);
    await noteLines(place.holds, { batches, signed, result, code, after }, () => place.nowSec());
    const overtaken = refusingEscrows(result).length;
    const failures = isOthers ? [] : outcomes.flatMap((outcome) => failureOf(outcome, code));
    const signedLines = signed.map(({ lines }) => lines.length);
    return { after, signedLines, result, settledNano: settledBy(batches, after), failures, overtaken };
}

/** What another settler has paid in the meantime is left out. */
async function wantedOf(place: GroupPlace, batches: readonly Batch[], viewedAtMs: number): Promise<readonly Batch[]> {
    const isFresh = place.clock.monotonicMs() - viewedAtMs <= freshForMs;
    const wanted = isFresh ? batches : await stillOwed(place, batches);
    if (wanted.length > 0) return wanted;
    throw new SettlementError(settledMeanwhile, 'Another settler was first, or is under way');
}

const settledMeanwhile = 'settled_meanwhile';

function feeOf(batches: readonly Batch[], costs: SettlementCosts): bigint {
    return batches.reduce((sum, { lines }) => sum + batchCostNano(lines.length, costs), 0n);
}

/** Whole batches only: what is left of one that somebody has paid in part, the next round decides anew. */
async function stillOwed(place: GroupPlace, batches: readonly Batch[]): Promise<Batch[]> {
    const view = await viewOf(place, batches);
    if (view.skipped.escrow_unreadable > 0)
        throw new SettlementError('escrow_unreadable', 'An escrow cannot be read at the moment: nothing was signed');
    const owed = new Map(view.candidates.map((one) => [lineOf(one), one.owedNano]));
    return batches.filter(({ lines }) => lines.every((line) => (owed.get(lineOf(line)) ?? 0n) >= line.owedNano));
}

function viewOf(place: GroupPlace, batches: readonly Batch[]): Promise<ChainView> {
    return place.view(batches.flatMap(({ lines }) => lines.map(({ settleable }) => settleable)));
}

/** What cannot be read now the next round sees; other requests are under way. */
async function viewAfter(place: GroupPlace, batches: readonly Batch[]): Promise<ChainView> {
    try {
        return await viewOf(place, batches);
    } catch (error) {
        place.logger.warn({ error: errorMessage(error) }, 'what became of a settlement cannot be read yet');
        return emptyView();
    }
}

function failureOf(outcome: IntentOutcome, code: string | null): string[] {
    if (outcome === 'confirmed') return [];
    return [code ?? (outcome === 'open' ? 'charge_in_flight' : 'charge_refused')];
}

function settledBy(batches: readonly Batch[], after: ChainView): bigint {
    const paidSince = (line: ChainCandidate): bigint => {
        const snapshot = after.escrows.get(line.escrow);
        if (snapshot?.epoch !== line.epoch) return 0n;
        return (snapshot.paidNano.get(line.nodeKey) ?? line.paidNano) - line.paidNano;
    };
    return batches.flatMap(({ lines }) => lines).reduce((sum, line) => sum + paidSince(line), 0n);
}

export function codeOf(error: unknown): string {
    return error instanceof CocoonError ? (error as CocoonError).code : 'unexpected';
}
