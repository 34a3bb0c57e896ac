import { Cell, loadMessage, loadTransaction, type Message } from '@ton/core';
import { setImmediate as yieldToEventLoop } from 'node:timers/promises';
import { ChainError } from '../errors';
import type { Accounts } from './accounts';
import type { EmulationContext, Emulator } from './emulator';
import { addFees, type FeeTotals, feesOf, noFees } from './fee-totals';
import { messageCells, recordOf, type TransactionRecord } from './transaction-record';

const ltStep = 1_000_000n;
/** Between these many transactions others get a turn to read. */
const transactionsPerTurn = 8;

export interface TraceStart {
    message: Cell;
    context: EmulationContext;
    /** The block that the transactions will be in. */
    seqno: number;
    /** The last logical time in use. */
    lt: bigint;
    maxTransactions: number;
}

/** Everything that one external message leads to, not yet applied. */
export interface Trace {
    records: TransactionRecord[];
    /** New states by raw address. */
    accounts: Map<string, string>;
    fees: FeeTotals;
    lt: bigint;
}

/** Runs a message and all messages that follow from it, in order of sending, against a copy of the touched accounts. */
export class TraceRunner {
    constructor(
        private readonly emulator: Emulator,
        private readonly accounts: Accounts,
    ) {}

    /** @throws ChainError `message_refused` when the external message is not accepted; nothing has changed then */
    async run(start: TraceStart): Promise<Trace> {
        const trace: Trace = { records: [], accounts: new Map(), fees: noFees, lt: start.lt };
        const queue = [start.message];
        for (let message = queue.shift(); message !== undefined; message = queue.shift()) {
            if (trace.records.length >= start.maxTransactions) {
                throw new ChainError('trace_too_long', `one message led to over ${start.maxTransactions} transactions`);
            }
            queue.push(...(await this.step(start, trace, message)));
            if (trace.records.length % transactionsPerTurn === 0) await yieldToEventLoop();
        }
        return trace;
    }

    /** Executes one message; resolves to the messages it sent to accounts of this network. */
    private async step(start: TraceStart, trace: Trace, cell: Cell): Promise<Cell[]> {
        const message = loadMessage(cell.beginParse());
        if (message.info.type === 'external-out') return [];
        const account = message.info.dest.toRawString();
        const outcome = await this.emulator.runTransaction({
            ...start.context,
            shardAccount: trace.accounts.get(account) ?? this.accounts.boc(account),
            message: cell,
            lt: trace.lt + ltStep,
        });
        if (!outcome.accepted) throw refusal(message, outcome);
        const transactionCell = Cell.fromBase64(outcome.transaction);
        const transaction = loadTransaction(transactionCell.beginParse());
        trace.lt = transaction.lt;
        trace.accounts.set(account, outcome.shardAccount);
        trace.fees = addFees(trace.fees, feesOf(transaction, account));
        trace.records.push(recordOf(transaction, account, start.seqno, outcome.transaction));
        return messageCells(transactionCell).out;
    }
}

/** Worded like toncenter's answer, exit code included: clients look for it in the text. */
export function refusal(message: Message, outcome: { error: string; exitCode?: number }): ChainError {
    const address = message.info.dest?.toString() ?? 'nowhere';
    if (message.info.type === 'internal') return new ChainError('emulation_failed', `${address}: ${outcome.error}`);
    const prefix = 'LITE_SERVER_UNKNOWN: cannot apply external message to current state : ';
    if (outcome.exitCode === undefined) return new ChainError('message_refused', prefix + outcome.error);
    const detail = `inbound external message rejected by account ${address}:\nexitcode=${outcome.exitCode}`;
    return new ChainError(
        'message_refused',
        `${prefix}External message was not accepted\nCannot run message on account: ${detail}`,
    );
}
