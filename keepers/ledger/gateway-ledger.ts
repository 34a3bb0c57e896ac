import { type Database, type DatabaseOptions, isUniqueViolation, openDatabase } from './database';
import { LedgerError } from './errors';
import { type GatewayReceipt, type GatewayRequest, gatewayRequest } from './gateway-records';
import {
    type GatewayJoinedRow,
    type GatewayRequestState,
    type GatewayStatements,
    type GatewayStreamRow,
    prepareGatewayStatements,
} from './gateway-statements';
import { type IdempotencyMark, IdempotencyRecords, type IdempotentAttempt } from './idempotency-records';
import { type KeySpend, keySpend, requireBudget, type SpendingKey, utcDay } from './key-budget';
import { LedgerWriter, type LedgerWriterOptions } from './ledger-writer';
import {
    checkReceipt,
    checkStream,
    type EscrowFunds,
    maxNano,
    storedBytes,
    storedNano,
    type StreamId,
    toBuffer,
} from './records';

export interface Reservation extends StreamId {
    requestId: Buffer;
    sessionKey: Buffer;
    model: string;
    worstCaseNano: bigint;
    funds: EscrowFunds;
    atMs: number;
    /** Whose request it is, where the gateway has keys. */
    key?: SpendingKey;
    /** What is sent once the cap is known; must be quick, and touch nothing: it is asked for within the transaction. */
    sent?: (capCumulativeNano: bigint) => SentCap;
}

/** What leaves with a request. */
export interface SentCap {
    requestHash: Buffer;
    offerHash: Buffer;
    /** The offer itself with its signature, kept for whoever checks the receipt. */
    signedOffer?: Buffer;
    capSignature: Buffer;
    /** Of a request whose caller may ask for the same answer again. */
    idempotency?: IdempotencyMark;
    atMs: number;
}

/** A new cap for a request that runs. */
export interface RaisedCap {
    requestId: Buffer;
    allowanceNano: bigint;
    capCumulativeNano: bigint;
    capSignature: Buffer;
}

/** Life of a request: `reserve` before the first byte leaves, then one of resolve, fail, lose. */
export class GatewayLedger {
    private readonly database: Database;
    private readonly writer: LedgerWriter;
    private readonly sql: GatewayStatements;
    private readonly idempotency: IdempotencyRecords;

    constructor(options: DatabaseOptions & LedgerWriterOptions) {
        this.database = openDatabase(options);
        this.writer = new LedgerWriter(this.database, options);
        this.sql = prepareGatewayStatements(this.database);
        this.idempotency = new IdempotencyRecords(this.database);
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
        return this.writer.submit(() => {
            const { capCumulativeNano } = this.insertReservation(reservation);
            if (reservation.sent) this.recordSent(reservation.requestId, reservation.sent(capCumulativeNano));
            return { capCumulativeNano };
        });
    }

    /**
     * Sets more aside for a request that runs, so that it may cost `allowanceNano`, and says what cap to sign.
     * Refuses `cap_regression`, `budget_exhausted` and `escrow_insufficient`.
     */
    async raise(raise: {
        requestId: Buffer;
        allowanceNano: bigint;
        funds: EscrowFunds;
        key?: SpendingKey;
        atMs: number;
    }): Promise<{ capCumulativeNano: bigint }> {
        storedNano(raise.allowanceNano, 'allowanceNano');
        return this.writer.submit(() => {
            const row = this.requireRequest(raise.requestId, ['sent']);
            if (raise.allowanceNano <= row.worst_case_nano)
                throw new LedgerError('cap_regression', 'The request was allowed as much before');
            this.sql.widen.run(raise.allowanceNano, row.id);
            this.sql.addOpen.run(raise.allowanceNano - row.worst_case_nano, row.stream_id);
            if (raise.key) requireBudget(this.sql, raise.key, raise.atMs);
            this.requireFunds(row, raise.funds);
            const stream = this.sql.streamById.get(row.stream_id)!;
            return { capCumulativeNano: storedNano(stream.finals_nano + stream.open_nano, 'cap') };
        });
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
            const row = this.requireRequest(requestId, ['sent', 'lost', 'final']);
            checkReceipt({ escrow: Buffer.from(row.escrow), epoch: Number(row.epoch), ...final });
            if (row.state === 'final') return this.refuseOther(row, final);
            this.checkConsistent(row, final);
            this.storeFinal(row, final, atMs);
        });
    }

    /** Nothing was owed: the node refused before a frame, or nothing was sent. Frees the reservation. */
    fail(requestId: Buffer, failureCode: string, atMs: number): Promise<void> {
        return this.writer.submit(() => {
            const row = this.requireRequest(requestId, ['reserved', 'sent', 'lost']);
            this.sql.setClosed.run('failed', failureCode, atMs, row.id);
            this.sql.addOpen.run(-row.worst_case_nano, row.stream_id);
        });
    }

    /** No final receipt came: the worst case stays open until the receipt is found (`resolve`) or given up (`fail`). */
    lose(requestId: Buffer, failureCode: string, atMs: number): Promise<void> {
        return this.writer.submit(() => {
            const row = this.requireRequest(requestId, ['sent', 'lost']);
            this.sql.setClosed.run('lost', failureCode, atMs, row.id);
        });
    }

    /** At start: what was reserved but never sent is freed, what was sent is lost until its receipt is found. */
    recover(atMs: number): Promise<{ freed: number; lost: number }> {
        return this.writer.submit(() => {
            const open = this.sql.openRequests.all();
            const reserved = open.filter((row) => row.state === 'reserved');
            const sent = open.filter((row) => row.state === 'sent');
            for (const row of reserved) {
                this.sql.setClosed.run('failed', 'gateway_restarted', atMs, row.id);
                this.sql.addOpen.run(-row.worst_case_nano, row.stream_id);
            }
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
        return outstanding(this.sql.streamsOfEscrow.all(escrow, epoch), funds);
    }

    /** Nodes with an account at the escrow: whose paid sums `reserve` needs. */
    nodeKeys(escrow: Buffer, epoch: number): Buffer[] {
        return this.sql.streamsOfEscrow.all(escrow, epoch).map((row) => toBuffer(row.node_key));
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
        return { requests, costNano, openNano };
    }

    close(): void {
        this.writer.close();
        this.database.close();
    }

    private findStream(stream: StreamId): GatewayStreamRow | undefined {
        return this.sql.stream.get(stream.escrow, stream.epoch, stream.nodeKey);
    }

    private requireRequest(requestId: Buffer, states: GatewayRequestState[]): GatewayJoinedRow {
        const row = this.sql.request.get(requestId);
        if (!row) throw new LedgerError('request_unknown', 'No such request');
        if (!states.includes(row.state)) {
            throw new LedgerError('request_state_invalid', `The request is ${row.state}, not ${states.join(' or ')}`, {
                context: { state: row.state },
            });
        }
        return row;
    }

    private insertReservation(reservation: Reservation): { capCumulativeNano: bigint } {
        const { escrow, epoch, nodeKey, worstCaseNano, funds } = reservation;
        if (!this.findStream(reservation)) this.sql.insertStream.run(escrow, epoch, nodeKey);
        const stream = this.findStream(reservation)!;
        const capCumulativeNano = storedNano(stream.finals_nano + stream.open_nano + worstCaseNano, 'cap');
        this.insertRequest(reservation, stream.id, capCumulativeNano);
        this.sql.addOpen.run(worstCaseNano, stream.id);
        if (reservation.key) requireBudget(this.sql, reservation.key, reservation.atMs);
        this.requireFunds({ escrow, epoch: BigInt(epoch) }, funds);
        return { capCumulativeNano };
    }

    private recordSent(requestId: Buffer, sent: SentCap): void {
        const { id } = this.requireRequest(requestId, ['reserved']);
        storedBytes(sent.requestHash, 32, 'requestHash');
        storedBytes(sent.offerHash, 32, 'offerHash');
        storedBytes(sent.capSignature, 64, 'capSignature');
        if (sent.signedOffer) this.sql.keepOffer.run(sent.offerHash, sent.signedOffer);
        this.sql.setSent.run(sent.requestHash, sent.offerHash, sent.capSignature, sent.atMs, id);
        if (sent.idempotency) this.idempotency.insert(requestId, sent.idempotency, sent.atMs);
    }

    private requireFunds({ escrow, epoch }: Pick<GatewayStreamRow, 'escrow' | 'epoch'>, funds: EscrowFunds): void {
        const neededNano = outstanding(this.sql.streamsOfEscrow.all(Buffer.from(escrow), epoch), funds);
        if (neededNano <= funds.balanceNano) return;
        throw new LedgerError(
            'escrow_insufficient',
            'The escrow can not cover this request: top it up or ask for less',
            {
                context: { neededNano: neededNano.toString(), balanceNano: funds.balanceNano.toString() },
            },
        );
    }

    private insertRequest(reservation: Reservation, streamId: bigint, capNano: bigint): void {
        const { requestId, sessionKey, model, worstCaseNano, atMs, key } = reservation;
        const keyName = key?.name ?? null;
        try {
            this.sql.insertRequest.run(requestId, streamId, sessionKey, model, worstCaseNano, capNano, atMs, keyName);
        } catch (error) {
            if (!isUniqueViolation(error)) throw error;
            throw new LedgerError('request_replayed', 'This request id was used before');
        }
    }

    private checkConsistent(row: GatewayJoinedRow, final: GatewayReceipt): void {
        const { receipt } = final;
        const stream = this.sql.streamById.get(row.stream_id)!;
        const before = this.sql.finalsUpTo.get(row.stream_id, receipt.sequence)!;
        const after = this.sql.finalAfter.get(row.stream_id, receipt.sequence)!;
        // This request costs what it costs; only the others may have cost as much as was set aside for them.
        const mostOwed = stream.finals_nano + receipt.costNano + (stream.open_nano - row.worst_case_nano);
        const broken =
            (!receipt.nodeKey.equals(row.node_key) && 'node_key') ||
            (!receipt.sessionKey.equals(row.session_key) && 'session_key') ||
            (this.sql.finalAt.get(row.stream_id, receipt.sequence) !== undefined && 'sequence_used') ||
            (receipt.costNano > row.worst_case_nano && 'cost_above_worst_case') ||
            (receipt.cumulativeNano < (before.cost ?? 0n) + receipt.costNano && 'cumulative_below_finals') ||
            (receipt.cumulativeNano < (before.cumulative ?? 0n) && 'cumulative_fell') ||
            (after.cumulative !== null && receipt.cumulativeNano > after.cumulative && 'cumulative_fell') ||
            (receipt.cumulativeNano > mostOwed && 'cumulative_above_reservations') ||
            null;
        if (broken === null) return;
        throw new LedgerError('receipt_inconsistent', `The node's receipt is wrong: ${broken}`, {
            context: { reason: broken, sequence: receipt.sequence },
        });
    }

    private storeFinal(row: GatewayJoinedRow, final: GatewayReceipt, atMs: number): void {
        const { receipt, usage } = final;
        this.sql.setFinal.run(
            atMs,
            receipt.sequence,
            receipt.costNano,
            receipt.cumulativeNano,
            receipt.reference,
            final.signature,
            final.usageHash,
            final.transcriptHash,
            usage?.salt ?? null,
            usage?.promptTokens ?? null,
            usage?.cachedPromptTokens ?? null,
            usage?.completionTokens ?? null,
            usage?.reasoningTokens ?? null,
            usage?.modelIndex ?? null,
            row.id,
        );
        this.sql.addOpen.run(-row.worst_case_nano, row.stream_id);
        this.sql.addFinal.run(receipt.costNano, receipt.sequence, row.stream_id);
        if (row.key_name !== null)
            this.sql.addSpent.run(row.key_name, utcDay(Number(row.reserved_at_ms)), receipt.costNano);
    }

    /** The same receipt again changes nothing; another one for a finished request is a broken node. */
    private refuseOther(row: GatewayJoinedRow, final: GatewayReceipt): void {
        const { sequence, cumulativeNano, reference } = final.receipt;
        const same =
            row.sequence === BigInt(sequence) &&
            row.cumulative_nano === cumulativeNano &&
            reference.equals(row.reference!);
        if (same) return;
        throw new LedgerError('receipt_inconsistent', 'The request has another final receipt', {
            context: { reason: 'second_final', sequence },
        });
    }
}

function outstanding(streams: GatewayStreamRow[], funds: Pick<EscrowFunds, 'paidNano'>): bigint {
    return streams.reduce((sum, stream) => {
        const paid = funds.paidNano.get(Buffer.from(stream.node_key).toString('hex')) ?? 0n;
        return sum + maxNano(0n, stream.finals_nano + stream.open_nano - paid);
    }, 0n);
}
