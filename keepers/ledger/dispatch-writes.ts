import { isUniqueViolation } from './database';
import type {
    DispatchRequestState,
    DispatchStatements,
    ReceiptRow,
    RequestRow,
    StreamRow,
} from './dispatch-statements';
import type { CapRaiseRecord, CapRecord, ReceiptOutcome, ReceiptRecord } from './dispatch-records';
import { LedgerError } from './errors';
import { type EscrowFunds, maxNano, type SignedReceipt, type StreamId } from './records';

/** The changes of the dispatcher's store; every method runs inside one operation of a LedgerWriter. */
export class DispatchWrites {
    constructor(private readonly sql: DispatchStatements) {}

    ensureStream(stream: StreamId): StreamRow {
        const known = this.sql.stream.get(stream.escrow, stream.epoch, stream.nodeKey);
        if (known) return known;
        this.sql.insertStream.run(stream.escrow, stream.epoch, stream.nodeKey);
        return this.sql.stream.get(stream.escrow, stream.epoch, stream.nodeKey)!;
    }

    insertCap(cap: CapRecord): void {
        const stream = this.ensureStream(cap);
        const owed = stream.latest_cumulative_nano + stream.open_worst_nano;
        // The node works no further than what is stated. How far the cap rises says less: it says too little where the
        // stream's former requests end cheaper than they might, and too much where one overtakes another on its way here.
        const worstCase = cap.worstCaseNano ?? maxNano(0n, cap.capCumulativeNano - owed);
        this.insertRequest(cap, stream, worstCase);
        this.sql.addOpenWorst.run(worstCase, stream.id);
        this.requireFunds(stream, cap.funds);
    }

    /** The highest cap of a request is kept for settling, which a raise need not be: others may have ended since. */
    raiseCap(raise: CapRaiseRecord): 'raised' | 'known' {
        const row = this.sql.request.get(raise.requestId);
        if (!row) throw new LedgerError('request_unknown', 'No such request');
        if (row.state !== 'running')
            throw new LedgerError('request_state_invalid', `The request is ${row.state}, not running`);
        if (raise.allowanceNano === row.allowance_nano) return 'known';
        if (raise.allowanceNano < row.allowance_nano)
            throw new LedgerError('cap_regression', 'The request was allowed more before');
        const stream = this.sql.streamById.get(row.stream_id)!;
        const rise = raise.allowanceNano - row.allowance_nano;
        this.sql.setAllowance.run(raise.allowanceNano, rise, row.id);
        if (raise.capCumulativeNano > row.cap_nano)
            this.sql.setCap.run(raise.capCumulativeNano, raise.capSignature, raise.capHash, row.id);
        this.sql.addOpenWorst.run(rise, stream.id);
        this.requireFunds(stream, raise.funds);
        return 'raised';
    }

    private requireFunds({ escrow, epoch }: StreamRow, funds: EscrowFunds): void {
        const neededNano = outstanding(this.sql.streamsOfEscrow.all(Buffer.from(escrow), epoch), funds);
        if (neededNano <= funds.balanceNano) return;
        throw new LedgerError('escrow_insufficient', 'The escrow can not cover this request: top it up', {
            context: { neededNano: neededNano.toString(), balanceNano: funds.balanceNano.toString() },
        });
    }

    private insertRequest(cap: CapRecord, stream: StreamRow, worstCaseNano: bigint): void {
        try {
            this.sql.insertRequest.run(
                cap.requestId,
                cap.requestHash,
                stream.id,
                cap.sessionKey,
                cap.offerHash,
                cap.capCumulativeNano,
                cap.capSignature,
                worstCaseNano,
                worstCaseNano,
                cap.atMs,
            );
        } catch (error) {
            if (!isUniqueViolation(error)) throw error;
            throw new LedgerError('request_replayed', 'This request was received before');
        }
    }

    insertReceipt(record: ReceiptRecord): ReceiptOutcome {
        const { receipt } = record;
        const stream = this.ensureStream({ escrow: record.escrow, epoch: record.epoch, nodeKey: receipt.nodeKey });
        const same = this.sql.receiptAt.get(stream.id, receipt.sequence);
        if (same && sameReceipt(same, record)) return this.repeatReceipt(same, record);
        const rival = same ?? this.nonMonotoneNeighbour(stream.id, receipt);
        if (rival) return this.keepContradiction(stream, rival, record);
        if (record.requestId) this.sql.dropCheckpoints.run(record.requestId, stream.id, receipt.sequence);
        const id = this.storeReceipt(stream, record);
        if (BigInt(receipt.sequence) > stream.latest_sequence) {
            this.sql.setLatest.run(id, receipt.sequence, receipt.cumulativeNano, stream.id);
        }
        this.countSigned(record);
        if (record.final) this.finishRequest(record);
        return 'recorded';
    }

    private storeReceipt(stream: StreamRow, record: ReceiptRecord): bigint {
        const { receipt } = record;
        return this.sql.insertReceipt.insert(
            stream.id,
            record.requestId,
            receipt.sessionKey,
            receipt.sequence,
            receipt.costNano,
            receipt.cumulativeNano,
            receipt.reference,
            record.signature,
            record.usageHash,
            record.transcriptHash,
            record.final ? 1 : 0,
            record.receivedAtMs,
        );
    }

    /** What a receipt states is in the stream's sum, and no longer a case that may come. */
    private countSigned({ requestId, receipt }: ReceiptRecord): void {
        const row = requestId ? this.sql.request.get(requestId) : undefined;
        if (!row || receipt.costNano <= row.signed_nano) return;
        const counted = { ...row, signed_nano: receipt.costNano };
        this.sql.setSigned.run(receipt.costNano, row.id);
        if (isOpen(row.state)) this.sql.addOpenWorst.run(mayStillCost(counted) - mayStillCost(row), row.stream_id);
    }

    private repeatReceipt(known: ReceiptRow, record: ReceiptRecord): ReceiptOutcome {
        if (record.final && known.final === 0n) {
            this.sql.promoteReceipt.run(known.id);
            this.finishRequest(record);
        }
        return 'known';
    }

    /** A higher sequence with a lower cumulative, in either direction. */
    private nonMonotoneNeighbour(streamId: bigint, receipt: SignedReceipt['receipt']): ReceiptRow | undefined {
        const before = this.sql.receiptBefore.get(streamId, receipt.sequence);
        if (before && before.cumulative_nano > receipt.cumulativeNano) return before;
        const after = this.sql.receiptAfter.get(streamId, receipt.sequence);
        return after && after.cumulative_nano < receipt.cumulativeNano ? after : undefined;
    }

    private keepContradiction(stream: StreamRow, rival: ReceiptRow, record: ReceiptRecord): ReceiptOutcome {
        const { receipt } = record;
        this.sql.insertContradiction.run(
            stream.id,
            rival.id,
            receipt.sessionKey,
            receipt.sequence,
            receipt.costNano,
            receipt.cumulativeNano,
            receipt.reference,
            record.signature,
            record.receivedAtMs,
        );
        return 'contradicts';
    }

    private finishRequest(record: ReceiptRecord): void {
        const row = record.requestId ? this.sql.request.get(record.requestId) : undefined;
        if (row && row.state !== 'final') this.setState(row, 'final', { atMs: record.receivedAtMs });
    }

    setState(row: RequestRow, state: DispatchRequestState, options: { failureCode?: string; atMs: number }): void {
        this.sql.setRequestState.run(state, options.failureCode ?? null, options.atMs, row.id);
        if (isOpen(row.state) && !isOpen(state)) this.sql.addOpenWorst.run(-mayStillCost(row), row.stream_id);
        if (!isOpen(row.state) && isOpen(state)) this.sql.addOpenWorst.run(mayStillCost(row), row.stream_id);
    }
}

function isOpen(state: DispatchRequestState): boolean {
    return state === 'running' || state === 'lost';
}

function mayStillCost({ worst_case_nano, signed_nano }: RequestRow): bigint {
    return maxNano(0n, worst_case_nano - signed_nano);
}

function sameReceipt(row: ReceiptRow, record: ReceiptRecord): boolean {
    const { receipt } = record;
    return (
        row.cumulative_nano === receipt.cumulativeNano &&
        row.cost_nano === receipt.costNano &&
        receipt.reference.equals(row.reference) &&
        receipt.sessionKey.equals(row.session_key)
    );
}

/** The funds rule of DispatchLedger, without the comparison. */
export function outstanding(streams: StreamRow[], funds: Pick<EscrowFunds, 'paidNano'>): bigint {
    return streams.reduce((sum, stream) => {
        const paid = funds.paidNano.get(Buffer.from(stream.node_key).toString('hex')) ?? 0n;
        return sum + maxNano(0n, stream.latest_cumulative_nano + stream.open_worst_nano - paid);
    }, 0n);
}
