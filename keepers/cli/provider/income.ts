import { existsSync } from 'node:fs';
import { Payout } from '../../../wrappers';
import { type NodeLogSummary, readNodeLogSettleable, scanNodeLog, streamName } from '../../ledger';
import { LineSignatures, viewChain } from '../../settlement';
import type { NodeContext } from './node-context';

/** What the receipt log and the chain say together; gross, before the hub's fee, unless named otherwise. */
export interface Income {
    /** All that the log's receipts add up to. */
    signedNano: bigint;
    /** Of it, what the chain has paid or can no longer be asked for. */
    outstandingNano: bigint;
    /** Of outstanding receipts, the first moment after which the chain refuses one. */
    earliestDeadlineSec: number | null;
    /** Of the escrows’ present epochs. */
    settledNano: bigint;
    /** Of epochs that are over: paid before the escrow closed, or lost; the escrow no longer says which. */
    pastNano: bigint;
    /** Of a present epoch, and never to be paid: the key or session is over. */
    lostNano: bigint;
    /** At the hub, for all nodes of the owner; net of the fee. */
    claimableNano: bigint;
    feeBps: number;
    byDay: Map<string, { requests: number; signedNano: bigint }>;
}

/** @throws LedgerError, ChainError */
export async function readIncome({ config, reader, client, deployment }: NodeContext): Promise<Income> {
    const file = config.receiptLogFile;
    const byDay = existsSync(file) ? await sumByDay(file) : new Map<string, DaySum>();
    const settleables = existsSync(file) ? await readNodeLogSettleable(file) : [];
    const signatures = new LineSignatures(deployment.registry.hash);
    const view = await viewChain({ reader, hub: config.hub, settleables, signatures });
    const nowSec = await client.getChainTimeSec();
    const open = view.candidates.filter(({ deadlineSec }) => deadlineSec === null || deadlineSec >= nowSec);
    const deadlines = open
        .map(({ deadlineSec }) => deadlineSec)
        .filter((at): at is number => at !== null && at < Infinity);
    const outstandingNano = sum(open.map(({ owedNano }) => owedNano));
    let [settledNano, pastNano, presentNano] = [0n, 0n, 0n];
    for (const { escrow, epoch, receipt } of settleables) {
        const snapshot = view.escrows.get(escrow.toString('hex'));
        if (snapshot === undefined || snapshot.epoch !== epoch) pastNano += receipt.cumulativeNano;
        else {
            const paidNano = snapshot.paidNano.get(receipt.nodeKey.toString('hex')) ?? 0n;
            presentNano += receipt.cumulativeNano;
            settledNano += paidNano < receipt.cumulativeNano ? paidNano : receipt.cumulativeNano;
        }
    }
    const state = await reader.provider(config.provider);
    const hub = client.open(Payout.createFromAddress(config.hub));
    return {
        signedNano: presentNano + pastNano,
        outstandingNano,
        earliestDeadlineSec: deadlines.length === 0 ? null : Math.min(...deadlines),
        settledNano,
        pastNano,
        lostNano: presentNano - settledNano - outstandingNano,
        claimableNano: state === null ? 0n : await hub.getCredit(state.owner),
        feeBps: (await hub.getState()).feeBps,
        byDay,
    };
}

interface DaySum {
    requests: number;
    signedNano: bigint;
}

/** By what each receipt adds to its stream, so that an answer that broke off counts as far as it came. */
async function sumByDay(file: string): Promise<Map<string, DaySum>> {
    const days = new Map<string, DaySum>();
    const reached = new Map<string, bigint>();
    // What was taken out of the log was earned on days that are not shown any more.
    const gone = new Map<string, number>();
    const onSummary = (summary: NodeLogSummary) => {
        reached.set(streamName(summary), summary.cumulativeNano);
        gone.set(streamName(summary), summary.sequence);
    };
    await scanNodeLog(file, () => undefined, { onSummary });
    await scanNodeLog(file, ({ escrow, epoch, receipt, final, atMs }) => {
        const stream = streamName({ escrow, epoch, nodeKey: receipt.nodeKey });
        if (receipt.sequence <= (gone.get(stream) ?? -1)) return;
        const beforeNano = reached.get(stream) ?? 0n;
        const addedNano = receipt.cumulativeNano > beforeNano ? receipt.cumulativeNano - beforeNano : 0n;
        reached.set(stream, beforeNano + addedNano);
        const day = new Date(atMs).toISOString().slice(0, 10);
        const known = days.get(day) ?? { requests: 0, signedNano: 0n };
        days.set(day, { requests: known.requests + (final ? 1 : 0), signedNano: known.signedNano + addedNano });
    });
    return days;
}

function sum(amounts: readonly bigint[]): bigint {
    return amounts.reduce((total, amount) => total + amount, 0n);
}
