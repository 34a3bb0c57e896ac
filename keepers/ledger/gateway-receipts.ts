import { LedgerError } from './errors';
import type { FreedReservations } from './freed-reservations';
import type { GatewayReceipt } from './gateway-records';
import type { GatewayOpenRow, GatewayRequestState, GatewayStatements } from './gateway-statements';
import { utcDay } from './key-budget';
import { checkReceipt, maxNano } from './records';

/** What requests cost by the node's receipts, within a transaction of the ledger. */
export class GatewayReceipts {
    constructor(
        private readonly sql: GatewayStatements,
        private readonly freed: FreedReservations,
    ) {}

    /** The same receipt again changes nothing. @throws LedgerError `receipt_inconsistent` */
    resolve(row: GatewayOpenRow, final: GatewayReceipt, atMs: number): void {
        checkReceipt({ escrow: Buffer.from(row.escrow), epoch: Number(row.epoch), ...final });
        if (row.state === 'final') return this.refuseOther(row, final);
        this.requireConsistent(this.inconsistencyOf(row, final), final);
        this.storeFinal(row, final, atMs);
    }

    /** A receipt on the way, newer than what is known: should the node never sign another, it is what the request cost. */
    noteCheckpoint(row: GatewayOpenRow, checkpoint: GatewayReceipt): void {
        checkReceipt({ escrow: Buffer.from(row.escrow), epoch: Number(row.epoch), ...checkpoint });
        if (row.sequence !== null && row.sequence >= BigInt(checkpoint.receipt.sequence)) return;
        const broken = this.inconsistencyOf(row, checkpoint);
        // What the request cost it says all the same, and it is the node's signed word on the ones said to be refused.
        if (broken !== 'cumulative_counts_refused') this.requireConsistent(broken, checkpoint);
        this.store(row, checkpoint, { state: row.state, failureCode: row.failure_code, atMs: row.closed_at_ms });
    }

    /** The node signs no more: the checkpoint is what the request cost, the rest of the reservation is free. */
    settleCheckpoint(row: GatewayOpenRow, failureCode: string, atMs: number): void {
        this.sql.setClosed.run('final', failureCode, atMs, row.id);
        this.book(row, { sequence: row.sequence!, costNano: row.cost_nano! });
    }

    private inconsistencyOf(row: GatewayOpenRow, { receipt }: GatewayReceipt): string | null {
        const stream = this.sql.streamById.get(row.stream_id)!;
        const around = this.sql.neighbours.get(row.stream_id, receipt.sequence, row.id)!;
        const costBefore = stream.finals_nano - (around.finals_after ?? 0n) + (around.uncharged_before ?? 0n);
        // This request costs what it costs; only the others may have cost as much as was set aside for them.
        const mostOwed = stream.finals_nano + receipt.costNano + (stream.open_nano - row.worst_case_nano);
        return (
            (!receipt.nodeKey.equals(row.node_key) && 'node_key') ||
            (!receipt.sessionKey.equals(row.session_key) && 'session_key') ||
            (receipt.sequence <= stream.compacted_sequence && 'sequence_used') ||
            (isTaken(around.taken_by, row, receipt) && 'sequence_used') ||
            (receipt.costNano > row.worst_case_nano && 'cost_above_worst_case') ||
            (receipt.cumulativeNano < costBefore + receipt.costNano && 'cumulative_below_finals') ||
            (receipt.cumulativeNano < maxNano(around.cumulative_before ?? 0n, stream.compacted_cumulative_nano) &&
                'cumulative_fell') ||
            (around.cumulative_after !== null &&
                receipt.cumulativeNano > around.cumulative_after &&
                'cumulative_fell') ||
            (receipt.cumulativeNano > mostOwed && this.nameExcess(row, receipt, mostOwed)) ||
            null
        );
    }

    /** Whether the node counts more than it may, or its dispatcher may have passed on what it said was refused. */
    private nameExcess(row: GatewayOpenRow, { cumulativeNano }: GatewayReceipt['receipt'], mostOwed: bigint): string {
        const refusedNano = this.freed.sumDuring(row.stream_id, row.id);
        const isCovered = cumulativeNano <= row.cap_nano && cumulativeNano <= mostOwed + refusedNano;
        return isCovered ? 'cumulative_counts_refused' : 'cumulative_above_reservations';
    }

    private requireConsistent(broken: string | null, { receipt }: GatewayReceipt): void {
        if (broken === null) return;
        throw new LedgerError('receipt_inconsistent', `The node's receipt is wrong: ${broken}`, {
            context: { reason: broken, sequence: receipt.sequence },
        });
    }

    private storeFinal(row: GatewayOpenRow, final: GatewayReceipt, atMs: number): void {
        this.store(row, final, { state: 'final', failureCode: null, atMs: BigInt(atMs) });
        const { sequence, costNano } = final.receipt;
        this.book(row, { sequence: BigInt(sequence), costNano });
    }

    private store(
        row: GatewayOpenRow,
        { receipt, signature, usageHash, transcriptHash, usage }: GatewayReceipt,
        closing: { state: GatewayRequestState; failureCode: string | null; atMs: bigint | null },
    ): void {
        this.sql.setReceipt.run(
            closing.state,
            closing.failureCode,
            closing.atMs,
            receipt.sequence,
            receipt.costNano,
            receipt.cumulativeNano,
            receipt.reference,
            signature,
            usageHash,
            transcriptHash,
            usage?.salt ?? null,
            usage?.promptTokens ?? null,
            usage?.cachedPromptTokens ?? null,
            usage?.completionTokens ?? null,
            usage?.reasoningTokens ?? null,
            usage?.modelIndex ?? null,
            row.id,
        );
    }

    /** The reservation becomes what was spent, of the escrow and of the caller's key. */
    private book(row: GatewayOpenRow, { sequence, costNano }: { sequence: bigint; costNano: bigint }): void {
        this.sql.addFinal.run(row.worst_case_nano, costNano, sequence, row.stream_id);
        if (row.key_name !== null) this.sql.addSpent.run(row.key_name, utcDay(Number(row.reserved_at_ms)), costNano);
    }

    /** The same receipt again changes nothing; another one for a finished request is a broken node. */
    private refuseOther(row: GatewayOpenRow, final: GatewayReceipt): void {
        if (isSame(row, final.receipt)) return;
        throw new LedgerError('receipt_inconsistent', 'The request has another final receipt', {
            context: { reason: 'second_final', sequence: final.receipt.sequence },
        });
    }
}

/** A checkpoint of the request itself may turn out to be its last receipt. */
function isTaken(takenBy: bigint | null, row: GatewayOpenRow, receipt: GatewayReceipt['receipt']): boolean {
    return takenBy !== null && !(takenBy === row.id && isSame(row, receipt));
}

function isSame(row: GatewayOpenRow, { sequence, cumulativeNano, reference }: GatewayReceipt['receipt']): boolean {
    return (
        row.sequence === BigInt(sequence) && row.cumulative_nano === cumulativeNano && reference.equals(row.reference!)
    );
}
