import type { Address, Cell, Transaction } from '@ton/core';
import {
    loadCharge,
    loadCharged,
    loadEscrowOpened,
    loadEscrowSettled,
    loadEscrowToppedUp,
    loadEscrowWithdrawn,
    loadFeesWithdrawn,
    loadProviderPaid,
} from '../../../build/Escrow/Escrow_Escrow';
import { parseSettlementLines, type ParsedSettlementLine } from '../../../wrappers';

/** One line of a charge that the escrow paid something for. */
export interface PaidLine {
    epoch: number;
    line: ParsedSettlementLine;
    amountNano: bigint;
    transactionHash: string;
}

/** What an escrow's own transactions come to. */
export interface EscrowBooks {
    depositsNano: bigint;
    withdrawnNano: bigint;
    paid: PaidLine[];
}

/** As messages.tact has them. */
const opcodes = {
    charged: 0xc0c00203,
    settled: 0xc0c00901,
    opened: 0xc0c00902,
    toppedUp: 0xc0c00903,
    withdrawn: 0xc0c00905,
    providerPaid: 0xc0c00906,
    reverted: 0xc0c0090f,
    feesWithdrawn: 0xc0c00911,
} as const;

/** Replays an escrow: deposits, withdrawals and what each line of each charge was paid. */
export function replayEscrow(history: readonly Transaction[]): EscrowBooks {
    const books: EscrowBooks = { depositsNano: 0n, withdrawnNano: 0n, paid: [] };
    let inFlight: PaidLine[] = [];
    for (const transaction of history) {
        for (const body of outBodies(transaction)) {
            const opcode = opcodeOf(body);
            if (opcode === opcodes.opened) books.depositsNano += loadEscrowOpened(body.beginParse()).deposit;
            if (opcode === opcodes.toppedUp) books.depositsNano += loadEscrowToppedUp(body.beginParse()).amount;
            if (opcode === opcodes.withdrawn) books.withdrawnNano += loadEscrowWithdrawn(body.beginParse()).amount;
            if (opcode === opcodes.reverted) books.paid = books.paid.filter((line) => !inFlight.includes(line));
            if (opcode === opcodes.charged) {
                inFlight = paidLines(transaction, body);
                books.paid.push(...inFlight);
            }
        }
    }
    return books;
}

/** The lines of the Charge that came in, with the amounts that went out. */
function paidLines(transaction: Transaction, chargedBody: Cell): PaidLine[] {
    const charge = loadCharge(transaction.inMessage!.body.beginParse());
    const amounts = loadCharged(chargedBody.beginParse()).amounts.beginParse();
    const transactionHash = transaction.hash().toString('hex');
    return parseSettlementLines(charge.lines).flatMap((line) => {
        const amountNano = amounts.remainingBits > 0 ? amounts.loadUintBig(64) : 0n;
        return amountNano > 0n ? [{ epoch: Number(charge.epoch), line, amountNano, transactionHash }] : [];
    });
}

/** What a hub's own transactions come to. */
export interface HubBooks {
    /** By escrow, raw address. */
    settledNano: Map<string, bigint>;
    feesNano: bigint;
    feesWithdrawnNano: bigint;
    /** By owner, raw address: what it took out. */
    claimedNano: Map<string, bigint>;
}

export function replayHub(history: readonly Transaction[]): HubBooks {
    const books: HubBooks = { settledNano: new Map(), feesNano: 0n, feesWithdrawnNano: 0n, claimedNano: new Map() };
    for (const body of history.flatMap(outBodies)) {
        const opcode = opcodeOf(body);
        if (opcode === opcodes.settled) {
            const { escrow, total, fee } = loadEscrowSettled(body.beginParse());
            raise(books.settledNano, escrow, total);
            books.feesNano += fee;
        }
        if (opcode === opcodes.providerPaid) {
            const { owner, amount } = loadProviderPaid(body.beginParse());
            raise(books.claimedNano, owner, amount);
        }
        if (opcode === opcodes.feesWithdrawn) books.feesWithdrawnNano += loadFeesWithdrawn(body.beginParse()).amount;
    }
    return books;
}

function raise(sums: Map<string, bigint>, account: Address, amountNano: bigint): void {
    const key = account.toRawString();
    sums.set(key, (sums.get(key) ?? 0n) + amountNano);
}

function outBodies(transaction: Transaction): Cell[] {
    return transaction.outMessages.values().map(({ body }) => body);
}

function opcodeOf(body: Cell): number | undefined {
    const slice = body.beginParse();
    return slice.remainingBits >= 32 ? slice.preloadUint(32) : undefined;
}
