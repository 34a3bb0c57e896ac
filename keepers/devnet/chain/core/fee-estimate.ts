import { beginCell, Cell, loadTransaction, type Message, storeMessage } from '@ton/core';
import type { Accounts } from './accounts';
import { type EmulationContext, type Emulator } from './emulator';
import { refusal } from './trace';

/** What the receiver of an external message would pay, in nanoTON. */
export interface FeeEstimate {
    inFwdNano: bigint;
    storageNano: bigint;
    gasNano: bigint;
    fwdNano: bigint;
}

export interface EstimateRequest {
    emulator: Emulator;
    accounts: Accounts;
    message: Message;
    context: EmulationContext;
    lt: bigint;
    ignoreSignatures: boolean;
}

/** Runs the message's first transaction and forgets it. */
export async function feeEstimate(request: EstimateRequest): Promise<FeeEstimate> {
    const { emulator, accounts, message, context, lt, ignoreSignatures } = request;
    const shardAccount = message.info.type === 'external-in' ? accounts.boc(message.info.dest.toRawString()) : '';
    const cell = beginCell().store(storeMessage(message)).endCell();
    const outcome = await emulator.runTransaction({ ...context, shardAccount, message: cell, lt, ignoreSignatures });
    if (!outcome.accepted) throw refusal(message, outcome);
    const { description, totalFees } = loadTransaction(Cell.fromBase64(outcome.transaction).beginParse());
    if (description.type !== 'generic')
        return { inFwdNano: totalFees.coins, storageNano: 0n, gasNano: 0n, fwdNano: 0n };
    const gasNano = description.computePhase.type === 'vm' ? description.computePhase.gasFees : 0n;
    const storageNano = description.storagePhase?.storageFeesCollected ?? 0n;
    const actionNano = description.actionPhase?.totalActionFees ?? 0n;
    const fwdNano = description.actionPhase?.totalFwdFees ?? 0n;
    return { inFwdNano: totalFees.coins - gasNano - storageNano - actionNano, storageNano, gasNano, fwdNano };
}
