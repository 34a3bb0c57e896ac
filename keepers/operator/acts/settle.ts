import type { Address, OpenedContract } from '@ton/core';
import { z } from 'zod';
import { formatTon } from '../../base';
import { maxSettlementLines, type Payout } from '../../../wrappers';
import { type ActPlan, type PlannedMessage, planMessage } from '../act';
import type { OperatorContext } from '../context';
import { defineAct } from '../define-act';
import { address } from '../fields';
import { openHub } from '../network-addresses';
import { type JudgedEscrow, type JudgedLine, judgeLines, readLinesFile, readReceiptLog } from '../settlement-lines';

export interface SettlementResult {
    hub: Address;
    settledNano: bigint;
    lines: { escrow: Address; nodeKey: Buffer; settledNano: bigint; skipped: string | null }[];
}

const schema = z
    .strictObject({
        linesFile: z.string().optional().describe('JSON array of receipts with their caps'),
        logFile: z.string().optional().describe('receipt log of a node, instead of linesFile'),
        hub: address.optional().describe('settlement hub; the only one of the deployment file unless given'),
    })
    .refine(
        (args) => (args.linesFile === undefined) !== (args.logFile === undefined),
        'give either linesFile or logFile',
    );

export const settle = defineAct({
    name: 'settle',
    purpose: 'Posts receipts, from whom ever: nodes are paid what their clients’ caps allow',
    args: schema,
    async plan(context, { linesFile, logFile, hub: given }): Promise<ActPlan<SettlementResult>> {
        const hub = await openHub(context, given);
        const read = linesFile === undefined ? await readReceiptLog(logFile!) : readLinesFile(linesFile);
        const judged = await judgeLines(context, hub, read);
        const all = judged.flatMap(({ lines }) => lines);
        const settledNano = sum(all);
        const messages: PlannedMessage[] = [];
        for (const group of judged) messages.push(...(await settleMessages(context, hub, group)));
        return {
            title: messages.length > 0 ? `Settle ${formatTon(settledNano)} TON` : 'Nothing to settle',
            summary: [`hub ${hub.address}`, ...all.map(describeLine)],
            messages,
            readBack: async () => {
                for (const { escrow, lines } of judged) if (!(await isPaid(escrow, lines))) return null;
                return { hub: hub.address, settledNano, lines: all.map(resultLine) };
            },
            describe: (result) => [`settled ${formatTon(result.settledNano)} TON`],
        };
    },
});

/** One escrow takes one charge at a time: each batch of ten waits for the one before it. */
async function settleMessages(
    context: OperatorContext,
    hub: OpenedContract<Payout>,
    { escrow, epoch, lines }: JudgedEscrow,
): Promise<PlannedMessage[]> {
    const due = lines.filter(({ dueNano }) => dueNano > 0n);
    const messages: PlannedMessage[] = [];
    for (let start = 0; start < due.length; start += maxSettlementLines) {
        const batch = due.slice(start, start + maxSettlementLines);
        const what = `settle ${batch.length} line(s) of ${escrow.address}, ${formatTon(sum(batch))} TON; most of the value comes back`;
        const options = { escrow: escrow.address, epoch, lines: batch.map(({ line }) => line) };
        const planned = await planMessage(context.sender.address, what, (via) => hub.sendSettle(via, options));
        messages.push({ ...planned, isDone: () => isPaid(escrow, batch) });
    }
    return messages;
}

/** Whether every node has what its line allows, by this settlement or by another. */
async function isPaid(escrow: JudgedEscrow['escrow'], lines: readonly JudgedLine[]): Promise<boolean> {
    const due = lines.filter(({ dueNano }) => dueNano > 0n);
    if (due.length === 0) return true;
    const { paidNano, inFlight } = await escrow.getState();
    const isUpTo = ({ nodeKey, paidAfterNano }: JudgedLine) =>
        (paidNano.get(nodeKey.toString('hex')) ?? 0n) >= paidAfterNano;
    return inFlight === null && due.every(isUpTo);
}

function sum(lines: readonly JudgedLine[]): bigint {
    return lines.reduce((total, { dueNano }) => total + dueNano, 0n);
}

function describeLine({ nodeKey, dueNano, reason }: JudgedLine): string {
    const fate = reason === null ? `${formatTon(dueNano)} TON` : `skipped: ${reason}`;
    return `node ${nodeKey.toString('hex').slice(0, 16)}… ${fate}`;
}

function resultLine({ escrow, nodeKey, dueNano, reason }: JudgedLine): SettlementResult['lines'][number] {
    return { escrow, nodeKey, settledNano: dueNano, skipped: reason };
}
