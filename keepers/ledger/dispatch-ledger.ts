import { type Database, type DatabaseOptions, openDatabase } from './database';
import {
    type CapRaiseRecord,
    type CapRecord,
    type DispatchRequest,
    dispatchRequest,
    type ReceiptOutcome,
    type ReceiptRecord,
    type Settleable,
    settleable,
    type StoredReceipt,
    storedReceipt,
} from './dispatch-records';
import { type DispatchStatements, prepareDispatchStatements } from './dispatch-statements';
import { DispatchWrites, outstanding } from './dispatch-writes';
import { LedgerError } from './errors';
import { LedgerWriter, type LedgerWriterOptions } from './ledger-writer';
import { Outbox } from './outbox';
import {
    checkReceipt,
    checkStream,
    type EscrowFunds,
    type SignedReceipt,
    storedBytes,
    storedNano,
    type StreamId,
    toBuffer,
} from './records';

export type DispatchLedgerOptions = DatabaseOptions & LedgerWriterOptions;

/** Opens the ledger, brings its schema to the current version. @throws LedgerError `ledger_unusable` */
export async function openDispatchLedger(options: DispatchLedgerOptions): Promise<DispatchLedger> {
    return new DispatchLedger(options);
}

/**
 * What the dispatcher must never forget. The settler opens the same file in another process.
 * Made by `openDispatchLedger`. Reads see what was committed, also by other processes.
 *
 * Funds rule, checked in the transaction that records a cap: with
 *   owed(node) = latest receipt's cumulative + what the node's open requests (this one included) may cost, as their
 *                contexts and raises state it, beyond what their receipts state
 *   the sum over the escrow's nodes of max(0, owed - paid) may not exceed the balance,
 * balance and paid sums being one snapshot of the chain. A final receipt thus frees what its request did not use.
 */
export class DispatchLedger {
    readonly outbox: Outbox;
    private readonly database: Database;
    private readonly writer: LedgerWriter;
    private readonly sql: DispatchStatements;
    private readonly writes: DispatchWrites;

    constructor(options: DispatchLedgerOptions) {
        this.database = openDatabase(options);
        this.writer = new LedgerWriter(this.database, options);
        this.sql = prepareDispatchStatements(this.database);
        this.writes = new DispatchWrites(this.sql);
        this.outbox = new Outbox(this.database, this.writer);
    }

    /** Durable when it resolves; refuses a replay and an escrow that can't cover it. */
    async recordCap(cap: CapRecord): Promise<void> {
        checkStream(cap);
        storedBytes(cap.requestId, 16, 'requestId');
        storedBytes(cap.sessionKey, 32, 'sessionKey');
        storedBytes(cap.requestHash, 32, 'requestHash');
        storedBytes(cap.offerHash, 32, 'offerHash');
        storedBytes(cap.capSignature, 64, 'capSignature');
        storedNano(cap.capCumulativeNano, 'capCumulativeNano');
        storedNano(cap.worstCaseNano ?? 0n, 'worstCaseNano');
        return this.writer.submit(() => this.writes.insertCap(cap));
    }

    /**
     * Durable when it resolves: the node may then be told. `known`: that allowance was recorded before.
     * Refuses `cap_regression`, `request_state_invalid` and `escrow_insufficient`.
     */
    async raiseCap(raise: CapRaiseRecord): Promise<'raised' | 'known'> {
        storedBytes(raise.capHash, 32, 'capHash');
        storedBytes(raise.capSignature, 64, 'capSignature');
        storedNano(raise.capCumulativeNano, 'capCumulativeNano');
        storedNano(raise.allowanceNano, 'allowanceNano');
        return this.writer.submit(() => this.writes.raiseCap(raise));
    }

    async recordReceipt(record: ReceiptRecord): Promise<ReceiptOutcome> {
        checkReceipt(record);
        storedBytes(record.usageHash, 32, 'usageHash');
        storedBytes(record.transcriptHash, 32, 'transcriptHash');
        return this.writer.submit(() => this.writes.insertReceipt(record));
    }

    /**
     * `refused`, `failed`: the node never began, nothing is owed and the reservation is freed.
     * `lost`: it may have worked; the reservation stays until its receipt comes or `releaseNode`.
     */
    closeRequest(
        requestId: Buffer,
        state: 'refused' | 'failed' | 'lost',
        options: { failureCode?: string; atMs: number },
    ): Promise<void> {
        return this.writer.submit(() => {
            const row = this.sql.request.get(requestId);
            if (!row) throw new LedgerError('request_unknown', 'No such request');
            if (row.state === 'final') return;
            this.writes.setState(row, state, options);
        });
    }

    /** After a restart no request runs any more: each becomes `lost`. Returns how many. */
    markRunningLost(atMs: number): Promise<number> {
        return this.writer.submit(() => {
            const running = this.sql.requestsInState.all('running');
            for (const row of running) this.writes.setState(row, 'lost', { failureCode: 'dispatcher_restarted', atMs });
            return running.length;
        });
    }

    /** Frees what a node still holds reserved, once its key is past its grace and no receipt can be settled. */
    releaseNode(stream: StreamId, atMs: number): Promise<number> {
        return this.writer.submit(() => {
            const row = this.sql.stream.get(stream.escrow, stream.epoch, stream.nodeKey);
            const open = row ? this.sql.openRequests.all(row.id) : [];
            for (const request of open) this.writes.setState(request, 'failed', { failureCode: 'node_expired', atMs });
            return open.length;
        });
    }

    /** Keeps the highest paid sum seen on chain; an older answer changes nothing. */
    async recordPaid(
        stream: StreamId,
        paid: { paidNano: bigint; transactionHash?: string; atMs: number },
    ): Promise<void> {
        checkStream(stream);
        storedNano(paid.paidNano, 'paidNano');
        return this.writer.submit(() => {
            const row = this.writes.ensureStream(stream);
            if (paid.paidNano <= row.paid_nano) return;
            this.sql.setPaid.run(paid.paidNano, row.id);
            this.sql.insertSettlement.run(
                row.id,
                row.paid_nano,
                paid.paidNano,
                paid.transactionHash ?? null,
                paid.atMs,
            );
        });
    }

    async requestState(requestId: Buffer): Promise<DispatchRequest | null> {
        const row = this.sql.request.get(requestId);
        if (!row) return null;
        return dispatchRequest({
            row,
            stream: this.sql.streamById.get(row.stream_id)!,
            receipt: this.sql.receiptOfRequest.get(requestId, 1),
            checkpoint: this.sql.receiptOfRequest.get(requestId, 0),
        });
    }

    /** Latest receipts not fully paid, each with the highest cap held under the session key that it names. */
    async settleable(): Promise<Settleable[]> {
        return this.sql.settleable.all().map(settleable);
    }

    async latestReceipt(stream: StreamId): Promise<StoredReceipt | null> {
        const row = this.sql.stream.get(stream.escrow, stream.epoch, stream.nodeKey);
        if (!row || row.latest_receipt_id === null) return null;
        return storedReceipt(this.sql.receiptById.get(row.latest_receipt_id)!, row);
    }

    /** The highest cap that the client signed for the stream, 0 when none is known. */
    async highestCapNano(stream: StreamId): Promise<bigint> {
        const row = this.sql.stream.get(stream.escrow, stream.epoch, stream.nodeKey);
        return row ? (this.sql.highestCap.get(row.id)!.cap ?? 0n) : 0n;
    }

    /** What an escrow owes or may come to owe beyond what it paid; see the funds rule above. */
    async outstandingNano(escrow: Buffer, epoch: number, funds: Pick<EscrowFunds, 'paidNano'>): Promise<bigint> {
        return outstanding(this.sql.streamsOfEscrow.all(escrow, epoch), funds);
    }

    /** Nodes with an account at the escrow: whose paid sums the funds rule needs. */
    async nodeKeys(escrow: Buffer, epoch: number): Promise<Buffer[]> {
        return this.sql.streamsOfEscrow.all(escrow, epoch).map((row) => toBuffer(row.node_key));
    }

    /** Final receipts in the order they came, for audits and exports. */
    async finalReceipts(page: { afterId?: bigint; limit: number }): Promise<StoredReceipt[]> {
        return this.sql.finalReceipts
            .all(page.afterId ?? 0n, page.limit)
            .map((row) => storedReceipt(row, this.sql.streamById.get(row.stream_id)!));
    }

    /** Pairs of signed receipts of one node that exclude each other. */
    async contradictions(): Promise<{ kept: StoredReceipt; other: SignedReceipt }[]> {
        return this.sql.contradictions.all().map((row) => {
            const stream = this.sql.streamById.get(row.stream_id)!;
            const kept = storedReceipt(this.sql.receiptById.get(row.receipt_id)!, stream);
            const other = storedReceipt(
                { ...row, request_id: null, usage_hash: row.reference, transcript_hash: row.reference, final: 0n },
                stream,
            );
            const { escrow, epoch, receipt, signature } = other;
            return { kept, other: { escrow, epoch, receipt, signature } };
        });
    }

    async totals(): Promise<{ finalReceipts: number; costNano: bigint; paidNano: bigint }> {
        const { receipts, cost } = this.sql.totals.get()!;
        return {
            finalReceipts: Number(receipts),
            costNano: cost ?? 0n,
            paidNano: this.sql.paidTotal.get()!.paid ?? 0n,
        };
    }

    /** Commits what waits and closes the database. */
    async close(): Promise<void> {
        this.writer.close();
        this.database.close();
    }
}
