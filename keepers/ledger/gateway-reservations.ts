import { isUniqueViolation, type SqlValue } from './database';
import { LedgerError } from './errors';
import type { GatewayOpenRow, GatewayStatements, GatewayStreamRow, OwedRow } from './gateway-statements';
import type { IdempotencyMark, IdempotencyRecords } from './idempotency-records';
import { requireBudget, type SpendingKey } from './key-budget';
import { type EscrowFunds, maxNano, storedBytes, storedNano, type StreamId } from './records';

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

/** More for a request that runs. */
export interface RaiseReservation {
    requestId: Buffer;
    allowanceNano: bigint;
    funds: EscrowFunds;
    key?: SpendingKey;
    atMs: number;
}

/** A new cap for a request that runs. */
export interface RaisedCap {
    requestId: Buffer;
    allowanceNano: bigint;
    capCumulativeNano: bigint;
    capSignature: Buffer;
}

/** What requests set aside, within a transaction of the ledger. */
export class GatewayReservations {
    constructor(
        private readonly sql: GatewayStatements,
        private readonly idempotency: IdempotencyRecords,
    ) {}

    /** Says what cap to sign. @throws LedgerError `budget_exhausted`, `escrow_insufficient`, `request_replayed` */
    insert(reservation: Reservation): { capCumulativeNano: bigint } {
        const { worstCaseNano, funds, key, atMs } = reservation;
        const stream = this.streamOf(reservation);
        const capCumulativeNano = storedNano(stream.finals_nano + stream.open_nano + worstCaseNano, 'cap');
        this.sql.addOpen.run(worstCaseNano, stream.id);
        this.requireFunds(stream, funds);
        if (key) requireBudget(this.sql, key, atMs, worstCaseNano);
        const sent = reservation.sent?.(capCumulativeNano);
        this.insertRequest(reservation, { streamId: stream.id, capNano: capCumulativeNano, sent });
        return { capCumulativeNano };
    }

    private streamOf({ escrow, epoch, nodeKey }: StreamId): GatewayStreamRow {
        const known = this.sql.stream.get(escrow, epoch, nodeKey);
        if (known) return known;
        this.sql.insertStream.run(escrow, epoch, nodeKey);
        return this.sql.stream.get(escrow, epoch, nodeKey)!;
    }

    /** Says what cap to sign for a running request that may cost more. */
    widen(row: GatewayOpenRow, raise: RaiseReservation): { capCumulativeNano: bigint } {
        if (raise.allowanceNano <= row.worst_case_nano)
            throw new LedgerError('cap_regression', 'The request was allowed as much before');
        this.sql.widen.run(raise.allowanceNano, row.id);
        this.sql.addOpen.run(raise.allowanceNano - row.worst_case_nano, row.stream_id);
        if (raise.key) requireBudget(this.sql, raise.key, raise.atMs);
        this.requireFunds(row, raise.funds);
        const stream = this.sql.streamById.get(row.stream_id)!;
        return { capCumulativeNano: storedNano(stream.finals_nano + stream.open_nano, 'cap') };
    }

    private requireFunds({ escrow, epoch }: Pick<GatewayStreamRow, 'escrow' | 'epoch'>, funds: EscrowFunds): void {
        const neededNano = outstanding(this.sql.owedOfEscrow.all(Buffer.from(escrow), epoch), funds);
        if (neededNano <= funds.balanceNano) return;
        throw new LedgerError(
            'escrow_insufficient',
            'The escrow can not cover this request: top it up or ask for less',
            {
                context: { neededNano: neededNano.toString(), balanceNano: funds.balanceNano.toString() },
            },
        );
    }

    private insertRequest(
        { requestId, sessionKey, model, worstCaseNano, atMs, key }: Reservation,
        { streamId, capNano, sent }: { streamId: bigint; capNano: bigint; sent: SentCap | undefined },
    ): void {
        const row = [requestId, streamId, sessionKey, model, worstCaseNano, capNano, atMs, key?.name ?? null];
        try {
            if (sent === undefined) this.sql.insertRequest.run(...row);
            else this.insertSent(row, sent);
        } catch (error) {
            if (!isUniqueViolation(error)) throw error;
            throw new LedgerError('request_replayed', 'This request id was used before');
        }
        if (sent?.idempotency) this.idempotency.insert(requestId, sent.idempotency, sent.atMs);
    }

    private insertSent(row: readonly SqlValue[], sent: SentCap): void {
        storedBytes(sent.requestHash, 32, 'requestHash');
        storedBytes(sent.offerHash, 32, 'offerHash');
        storedBytes(sent.capSignature, 64, 'capSignature');
        this.sql.insertSent.run(...row, sent.requestHash, sent.offerHash, sent.capSignature, sent.atMs);
        if (sent.signedOffer) this.sql.keepOffer.run(sent.offerHash, sent.signedOffer);
    }
}

/** What the streams owe or may come to owe beyond what the escrow paid. */
export function outstanding(streams: OwedRow[], { paidNano }: Pick<EscrowFunds, 'paidNano'>): bigint {
    return streams.reduce((sum, { node_hex, finals_nano, open_nano }) => {
        return sum + maxNano(0n, finals_nano + open_nano - (paidNano.get(node_hex) ?? 0n));
    }, 0n);
}
