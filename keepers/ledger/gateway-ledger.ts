import { type Database, type DatabaseOptions, defaultBusyTimeoutMs, openDatabase } from './database';
import { LedgerError } from './errors';
import { FreedReservations } from './freed-reservations';
import { compactGateway, type GatewayCompaction, prepareGatewayCompaction } from './gateway-compaction';
import { GatewayReceipts } from './gateway-receipts';
import { type GatewayReceipt, type GatewayRequest, gatewayRequest } from './gateway-records';
import {
    GatewayReservations,
    outstanding,
    type RaisedCap,
    type RaiseReservation,
    type Reservation,
} from './gateway-reservations';
import {
    type GatewayOpenRow,
    type GatewayRequestState,
    type GatewayStatements,
    type GatewayStreamRow,
    prepareGatewayStatements,
} from './gateway-statements';
import { type IdempotentAttempt, IdempotencyRecords } from './idempotency-records';
import { type KeptAnswer, KeptAnswers } from './kept-answers';
import { type KeySpend, keySpend } from './key-budget';
import { LedgerWriter, type LedgerWriterOptions } from './ledger-writer';
import type { CompactOptions } from './maintenance/compact';
import { checkStream, type EscrowFunds, storedBytes, storedNano, type StreamId, toBuffer } from './records';
import { LogSync } from './sqlite/log-sync';

/** Life of a request: `reserve` before the first byte leaves, then one of resolve, fail, lose; after `lose` resolve, fail or giveUp. */
export class GatewayLedger {
    private readonly database: Database;
    private readonly writer: LedgerWriter;
    private readonly sql: GatewayStatements;
    private readonly idempotency: IdempotencyRecords;
    private readonly answers: KeptAnswers;
    private readonly reservations: GatewayReservations;
    private readonly receipts: GatewayReceipts;
    private readonly freed = new FreedReservations();
    private readonly busyTimeoutMs: number;
    private compaction: ReturnType<typeof prepareGatewayCompaction> | null = null;

    constructor(options: DatabaseOptions & LedgerWriterOptions) {
        this.busyTimeoutMs = options.busyTimeoutMs ?? defaultBusyTimeoutMs;
        this.database = openDatabase(options);
        // The log is synced after each commit all the same, beside the event loop.
        this.database.exec('PRAGMA synchronous = NORMAL');
        this.writer = new LedgerWriter(this.database, options, new LogSync(options.file));
        this.sql = prepareGatewayStatements(this.database);
        this.idempotency = new IdempotencyRecords(this.database);
        this.answers = new KeptAnswers(this.database);
        this.reservations = new GatewayReservations(this.sql, this.idempotency);
        this.receipts = new GatewayReceipts(this.sql, this.freed);
    }

    /**
     * Sets the worst case aside and says what cap to sign: known finals + open worst cases + this worst case. With `sent` the
     * signed cap is recorded in the same transaction, and the request may leave when this resolves; after a crash a
     * request that was only `reserved` is freed.
     * Refuses with `budget_exhausted` when the key's own budget does not cover it, and with `escrow_insufficient` when, summed over the escrow's nodes, finals + open - paid passes the balance.
     */
    async reserve(reservation: Reservation): Promise<{ capCumulativeNano: bigint }> {
        checkStream(reservation);
        storedBytes(reservation.requestId, 16, 'requestId');
        storedBytes(reservation.sessionKey, 32, 'sessionKey');
        storedNano(reservation.worstCaseNano, 'worstCaseNano');
        return this.writer.submit(() => this.reservations.insert(reservation));
    }

    /**
     * Sets more aside for a request that runs, so that it may cost `allowanceNano`, and says what cap to sign.
     * Refuses `cap_regression`, `budget_exhausted` and `escrow_insufficient`.
     */
    async raise(raise: RaiseReservation): Promise<{ capCumulativeNano: bigint }> {
        storedNano(raise.allowanceNano, 'allowanceNano');
        return this.writer.submit(() => this.reservations.widen(this.requireRequest(raise.requestId, ['sent']), raise));
    }

    /** Must resolve before the raised cap is sent. */
    async recordRaised(raised: RaisedCap): Promise<void> {
        storedBytes(raised.capSignature, 64, 'capSignature');
        return this.writer.submit(() => {
            const row = this.requireRequest(raised.requestId, ['sent']);
            this.sql.setRaised.run(raised.capCumulativeNano, raised.allowanceNano, raised.capSignature, row.id);
        });
    }

    /**
     * Stores the final receipt and frees the rest of the reservation. The caller has checked the signature and that
     * cost follows from usage and offer; here, atomically with all other receipts of that node: the sequence is new,
     * cost <= worst case, finals <= cumulative <= finals + open worst cases, cumulative <= cap and monotone in sequence.
     */
    async resolve(requestId: Buffer, final: GatewayReceipt, atMs: number): Promise<void> {
        storedBytes(final.transcriptHash, 32, 'transcriptHash');
        storedBytes(final.usageHash, 32, 'usageHash');
        if (final.usage) storedBytes(final.usage.salt, 32, 'salt');
        return this.writer.submit(() => {
            this.receipts.resolve(this.requireRequest(requestId, ['sent', 'lost', 'final']), final, atMs);
        });
    }

    /** Nothing was owed: the node refused before a frame, or nothing was sent. Frees the reservation. */
    fail(requestId: Buffer, failureCode: string, atMs: number): Promise<void> {
        return this.writer.submit(() => {
            const row = this.requireRequest(requestId, ['reserved', 'sent', 'lost']);
            this.free(row, failureCode, atMs);
        });
    }

    /** No final receipt came: the worst case stays open until the receipt is found (`resolve`) or given up (`giveUp`). */
    lose(requestId: Buffer, failureCode: string, atMs: number): Promise<void> {
        return this.writer.submit(() => {
            const row = this.requireRequest(requestId, ['sent', 'lost']);
            this.sql.setClosed.run('lost', failureCode, atMs, row.id);
        });
    }

    /**
     * What a lost request cost at least, by a receipt that its node signed on the way. The caller has checked the signature.
     * An older one than is known changes nothing. @throws LedgerError `receipt_inconsistent`
     */
    noteCheckpoint(requestId: Buffer, checkpoint: Omit<GatewayReceipt, 'usage'>): Promise<void> {
        return this.writer.submit(() => {
            this.receipts.noteCheckpoint(this.requireRequest(requestId, ['lost']), { ...checkpoint, usage: null });
        });
    }

    /**
     * The final receipt of a lost request will never come, and nobody can collect by it: its last checkpoint is what it cost, of
     * the escrow and of the budget of its key. Without one it cost nothing.
     */
    giveUp(requestId: Buffer, failureCode: string, atMs: number): Promise<void> {
        return this.writer.submit(() => {
            const row = this.requireRequest(requestId, ['lost']);
            if (row.sequence !== null) this.receipts.settleCheckpoint(row, failureCode, atMs);
            else this.free(row, failureCode, atMs);
        });
    }

    /** At start: what was reserved but never sent is freed, what was sent is lost until its receipt is found. */
    recover(atMs: number): Promise<{ freed: number; lost: number }> {
        return this.writer.submit(() => {
            const open = this.sql.openRequests.all();
            const reserved = open.filter((row) => row.state === 'reserved');
            const sent = open.filter((row) => row.state === 'sent');
            for (const row of reserved) this.free(row, 'gateway_restarted', atMs);
            for (const row of sent) this.sql.setClosed.run('lost', 'gateway_restarted', atMs, row.id);
            return { freed: reserved.length, lost: sent.length };
        });
    }

    knownFinalsNano(stream: StreamId): bigint {
        return this.findStream(stream)?.finals_nano ?? 0n;
    }

    openWorstCasesNano(stream: StreamId): bigint {
        return this.findStream(stream)?.open_nano ?? 0n;
    }

    /** Highest sequence among the node's final receipts, or -1. */
    lastSequence(stream: StreamId): number {
        return Number(this.findStream(stream)?.last_sequence ?? -1n);
    }

    request(requestId: Buffer): GatewayRequest | null {
        const row = this.sql.request.get(requestId);
        return row ? gatewayRequest(row) : null;
    }

    /** What was sent under an Idempotency-Key, oldest first; what is long past is forgotten. */
    idempotentAttempts(keyHash: Buffer, nowMs: number): IdempotentAttempt[] {
        return this.idempotency.attempts(keyHash, nowMs);
    }

    /** Keeps what was answered under an Idempotency-Key, sealed by whoever asked. */
    keepAnswer(answer: KeptAnswer): Promise<void> {
        return this.writer.submit(() => this.answers.keep(answer));
    }

    keptAnswer(keyHash: Buffer, nowMs: number): Buffer | undefined {
        return this.answers.find(keyHash, nowMs);
    }

    /** Newest first. */
    list(page: { beforeId?: bigint; limit: number }): GatewayRequest[] {
        return this.sql.requestsBefore.all(page.beforeId ?? 1n << 62n, page.limit).map(gatewayRequest);
    }

    /** Requests that still hold a reservation, oldest first. */
    open(): GatewayRequest[] {
        return this.sql.openRequests.all().map(gatewayRequest);
    }

    /** What the escrow owes or may come to owe beyond what it paid. */
    outstandingNano(escrow: Buffer, epoch: number, funds: Pick<EscrowFunds, 'paidNano'>): bigint {
        return outstanding(this.sql.owedOfEscrow.all(escrow, epoch), funds);
    }

    /** Nodes with an account at the escrow: whose paid sums `reserve` needs. */
    nodeKeys(escrow: Buffer, epoch: number): Buffer[] {
        return this.sql.nodesOfEscrow.all(escrow, epoch).map((row) => toBuffer(row.node_key));
    }

    /** What a key has spent and holds open; survives restarts. */
    keySpend(name: string, atMs: number): KeySpend {
        return keySpend(this.sql, name, atMs);
    }

    totals(): { requests: Record<GatewayRequestState, number>; costNano: bigint; openNano: bigint } {
        const requests = { reserved: 0, sent: 0, final: 0, failed: 0, lost: 0 };
        let costNano = 0n;
        let openNano = 0n;
        for (const row of this.sql.totals.all()) {
            requests[row.state] = Number(row.requests);
            costNano += row.cost ?? 0n;
            if (row.state !== 'final' && row.state !== 'failed') openNano += row.worst ?? 0n;
        }
        const gone = this.sql.compactedTotals.get()!;
        requests.final += Number(gone.finals ?? 0n);
        requests.failed += Number(gone.failed ?? 0n);
        costNano += gone.cost ?? 0n;
        return { requests, costNano, openNano };
    }

    /** Deletes, a little at a time, requests that were closed before then; streams and totals stay as they are. */
    async compact(options: CompactOptions): Promise<GatewayCompaction> {
        this.compaction ??= prepareGatewayCompaction(this.database);
        const done = await compactGateway(this.writer, this.compaction, options);
        this.emptyLog();
        return done;
    }

    close(): void {
        this.writer.close();
        this.database.close();
    }

    /**
     * The log of writes is at most a few MiB; it goes into the file and takes no room any more. Not while somebody reads the
     * file: callers would wait for that, and the next time does as well.
     */
    private emptyLog(): void {
        this.database.exec('PRAGMA busy_timeout = 0');
        try {
            this.database.exec('PRAGMA wal_checkpoint(TRUNCATE)');
        } finally {
            this.database.exec(`PRAGMA busy_timeout = ${this.busyTimeoutMs}`);
        }
    }

    private free(row: GatewayOpenRow, failureCode: string, atMs: number): void {
        this.sql.setClosed.run('failed', failureCode, atMs, row.id);
        this.sql.addOpen.run(-row.worst_case_nano, row.stream_id);
        if (row.state === 'reserved') return;
        const newestId = this.sql.newest.get()!.id!;
        this.freed.note(row.stream_id, { worstNano: row.worst_case_nano, newestId, atMs });
    }

    private findStream(stream: StreamId): GatewayStreamRow | undefined {
        return this.sql.stream.get(stream.escrow, stream.epoch, stream.nodeKey);
    }

    private requireRequest(requestId: Buffer, states: GatewayRequestState[]): GatewayOpenRow {
        const row = this.sql.openRequest.get(requestId);
        if (!row) throw new LedgerError('request_unknown', 'No such request');
        if (!states.includes(row.state)) {
            throw new LedgerError('request_state_invalid', `The request is ${row.state}, not ${states.join(' or ')}`, {
                context: { state: row.state },
            });
        }
        return row;
    }
}
