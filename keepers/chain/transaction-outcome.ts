import { Address, type Transaction } from '@ton/core';
import { ChainError } from './errors';

export interface TransactionOutcome {
    account: Address;
    lt: bigint;
    hash: Buffer;
    ok: boolean;
    /** Of the compute phase, or of the action phase where that failed; null when no code ran. */
    exitCode: number | null;
    /** First 32 bits of the body that it received. */
    opcode: number | null;
    /** Null for a message from outside. */
    sender: Address | null;
    /** Messages to other accounts that it sent; those to nowhere (events) are not counted. */
    outMessages: number;
    /** NanoTON that this transaction took from the money on its way: gas, storage, and forwarding of what it sent. */
    feeNano: bigint;
}

/** What a transaction came to. Money sent to an account without code is fine: no code ran. */
export function transactionOutcome(transaction: Transaction): TransactionOutcome {
    const account = new Address(0, addressHash(transaction.address));
    const base = {
        account,
        lt: transaction.lt,
        hash: transaction.hash(),
        opcode: receivedOpcode(transaction),
        sender: senderOf(transaction),
        outMessages: transaction.outMessages.values().filter(({ info }) => info.type === 'internal').length,
        feeNano: feesOf(transaction),
    };
    const { description } = transaction;
    if (description.type !== 'generic') return { ...base, ok: true, exitCode: null };
    const { computePhase, actionPhase } = description;
    if (computePhase.type === 'skipped') return { ...base, ok: description.bouncePhase == null, exitCode: null };
    if (!computePhase.success) return { ...base, ok: false, exitCode: computePhase.exitCode };
    const actionOk = actionPhase == null || actionPhase.success;
    return { ...base, ok: actionOk, exitCode: actionOk ? computePhase.exitCode : actionPhase.resultCode };
}

/** @throws ChainError `transaction_failed` when it is not ok */
export function requireOk(outcome: TransactionOutcome): void {
    if (outcome.ok) return;
    const { account, exitCode, hash } = outcome;
    throw new ChainError('transaction_failed', `${account} refused the message with exit code ${exitCode}`, {
        context: { exitCode, account: account.toString(), transactionHash: hash.toString('hex') },
    });
}

function senderOf({ inMessage }: Transaction): Address | null {
    return inMessage?.info.type === 'internal' ? inMessage.info.src : null;
}

/** `totalFees` leaves out what travels with a message and is taken where it arrives. */
function feesOf({ totalFees, description }: Transaction): bigint {
    const action = description.type === 'generic' ? description.actionPhase : null;
    const travelling = (action?.totalFwdFees ?? 0n) - (action?.totalActionFees ?? 0n);
    return totalFees.coins + travelling;
}

function addressHash(account: bigint): Buffer {
    return Buffer.from(account.toString(16).padStart(64, '0'), 'hex');
}

function receivedOpcode(transaction: Transaction): number | null {
    const body = transaction.inMessage?.body.beginParse();
    return body && body.remainingBits >= 32 ? body.preloadUint(32) : null;
}
