import type { DatabaseOptions } from './database';
import { GroupCommit, type GroupCommitOptions } from './dispatch/group-commit';
import type { Operation } from './dispatch/operations';
import { DispatchReads } from './dispatch/reads';
import type { DispatchStore } from './dispatch/store';
import type {
    CapRaiseRecord,
    CapRecord,
    DispatchRequest,
    ReceiptOutcome,
    ReceiptRecord,
    Settleable,
    StoredReceipt,
} from './dispatch-records';
import { Leases } from './leases';
import { LedgerUpkeep } from './maintenance/ledger-upkeep';
import { Outbox } from './outbox';
import type { PostgresOptions } from './postgres/options';
import { PostgresStore } from './postgres/postgres-store';
import {
    checkReceipt,
    checkStream,
    type EscrowFunds,
    type SignedReceipt,
    storedBytes,
    storedNano,
    type StreamId,
} from './records';
import { SqliteStore } from './sqlite/sqlite-store';

interface SharedOptions extends GroupCommitOptions {
    /** Which of several dispatchers on one ledger this is: requests are marked with it. */
    dispatcherId?: string;
}

/** A file for processes of one machine, or a PostgreSQL for those of several. */
export type DispatchLedgerOptions = SharedOptions & (DatabaseOptions | PostgresOptions);

/** Opens the ledger, brings its schema to the current version. @throws LedgerError `ledger_unusable`, `ledger_unavailable` */
export async function openDispatchLedger(options: DispatchLedgerOptions): Promise<DispatchLedger> {
    const store = 'url' in options ? await PostgresStore.open(options) : new SqliteStore(options);
    return new DispatchLedger(store, options);
}

/**
 * What the dispatcher must never forget. The settler and other dispatchers open the same database in processes of their
 * own. Made by `openDispatchLedger`. Reads see what was committed, also by others.
 *
 * Funds rule, checked in the transaction that records a cap: with
 *   owed(node) = latest receipt's cumulative + what the node's open requests (this one included) may cost, as their
 *                contexts and raises state it, beyond what their receipts state
 *   the sum over the escrow's nodes of max(0, owed - paid) may not exceed the balance,
 * balance and paid sums being one snapshot of the chain. A final receipt thus frees what its request did not use.
 */
export class DispatchLedger {
    readonly outbox: Outbox;
    readonly leases: Leases;
    private readonly writer: GroupCommit;
    private readonly reads: DispatchReads;
    private readonly dispatcherId: string;
    private closing: Promise<void> | null = null;

    constructor(
        private readonly store: DispatchStore,
        options: SharedOptions = {},
    ) {
        this.writer = new GroupCommit(store, options);
        this.reads = new DispatchReads(store.reads);
        this.outbox = new Outbox(store.reads, this.writer);
        this.leases = new Leases(store, this.writer);
        this.dispatcherId = options.dispatcherId ?? '';
    }

    /**
     * Durable when it resolves; refuses a replay and an escrow that can't cover it.
     * @param onAccepted the rules have taken it, its commit has begun; must not throw, and may be called again where a
     * database has a transaction done again
     */
    async recordCap(cap: CapRecord, onAccepted?: () => void): Promise<void> {
        checkStream(cap);
        storedBytes(cap.requestId, 16, 'requestId');
        storedBytes(cap.sessionKey, 32, 'sessionKey');
        storedBytes(cap.requestHash, 32, 'requestHash');
        storedBytes(cap.offerHash, 32, 'offerHash');
        storedBytes(cap.capSignature, 64, 'capSignature');
        storedNano(cap.capCumulativeNano, 'capCumulativeNano');
        storedNano(cap.worstCaseNano ?? 0n, 'worstCaseNano');
        return this.submit({ kind: 'cap', cap, dispatcherId: this.dispatcherId, ...(onAccepted && { onAccepted }) });
    }

    /**
     * Durable when it resolves: the node may then be told. `known`: that allowance was recorded before.
     * Refuses `cap_regression`, `request_state_invalid` and `escrow_insufficient`.
     */
    async raiseCap(raise: CapRaiseRecord): Promise<'raised' | 'known'> {
        storedBytes(raise.requestId, 16, 'requestId');
        storedBytes(raise.capHash, 32, 'capHash');
        storedBytes(raise.capSignature, 64, 'capSignature');
        storedNano(raise.capCumulativeNano, 'capCumulativeNano');
        storedNano(raise.allowanceNano, 'allowanceNano');
        return this.submit({ kind: 'raise', raise });
    }

    async recordReceipt(record: ReceiptRecord): Promise<ReceiptOutcome> {
        checkReceipt(record);
        if (record.requestId) storedBytes(record.requestId, 16, 'requestId');
        storedBytes(record.usageHash, 32, 'usageHash');
        storedBytes(record.transcriptHash, 32, 'transcriptHash');
        return this.submit({ kind: 'receipt', record });
    }

    /**
     * `refused`, `failed`: the node never began, nothing is owed and the reservation is freed.
     * `lost`: it may have worked; the reservation stays until its receipt comes or `releaseNode`.
     * Of a request that another dispatcher has taken nothing changes.
     */
    async closeRequest(
        requestId: Buffer,
        state: 'refused' | 'failed' | 'lost',
        options: { failureCode?: string; atMs: number },
    ): Promise<void> {
        const { failureCode = null, atMs } = options;
        const { dispatcherId } = this;
        storedBytes(requestId, 16, 'requestId');
        return this.submit({ kind: 'close', requestId, state, failureCode, atMs, dispatcherId });
    }

    /**
     * Makes a request of another dispatcher this one's, with what it has reserved. One that is final stays so.
     * @throws LedgerError `request_unknown`; `request_state_invalid` where its node never began
     */
    async takeRequest(requestId: Buffer, atMs: number): Promise<void> {
        storedBytes(requestId, 16, 'requestId');
        return this.submit({ kind: 'take', requestId, atMs, dispatcherId: this.dispatcherId });
    }

    /**
     * After a restart none of this dispatcher's requests runs any more: each becomes `lost`. Returns how many.
     * @param dispatcherId another dispatcher, known to be gone for good
     */
    markRunningLost(atMs: number, dispatcherId = this.dispatcherId): Promise<number> {
        return this.submit({ kind: 'lose', dispatcherId, failureCode: 'dispatcher_restarted', atMs });
    }

    /** Frees what a node still holds reserved, once its key is past its grace and no receipt can be settled. */
    releaseNode(stream: StreamId, atMs: number): Promise<number> {
        return this.submit({ kind: 'release', stream, failureCode: 'node_expired', atMs });
    }

    /** Keeps the highest paid sum seen on chain; an older answer changes nothing. */
    async recordPaid(
        stream: StreamId,
        paid: { paidNano: bigint; transactionHash?: string; atMs: number },
    ): Promise<void> {
        checkStream(stream);
        storedNano(paid.paidNano, 'paidNano');
        const { paidNano, transactionHash = null, atMs } = paid;
        return this.submit({ kind: 'paid', stream, paidNano, transactionHash, atMs });
    }

    requestState(requestId: Buffer): Promise<DispatchRequest | null> {
        return this.reads.request(requestId);
    }

    /** Whether the id was used, whatever became of the request. */
    hasRequest(requestId: Buffer): Promise<boolean> {
        return this.reads.hasRequest(requestId);
    }

    /** Streams for which something is reserved since before then: a node that is gone for good never frees it. */
    streamsOpenSince(beforeMs: number): Promise<{ stream: StreamId; sinceMs: number }[]> {
        return this.reads.streamsOpenSince(beforeMs);
    }

    /** Latest receipts not fully paid, each with the highest cap held under the session key that it names. */
    settleable(): Promise<Settleable[]> {
        return this.reads.settleable();
    }

    /** Sums over what is not settled, for whoever watches. */
    unsettled(): Promise<{ streams: number; owedNano: bigint; oldestAtMs: number | null }> {
        return this.reads.unsettled();
    }

    latestReceipt(stream: StreamId): Promise<StoredReceipt | null> {
        return this.reads.latestReceipt(stream);
    }

    /** The highest cap that the client signed for the stream, 0 when none is known. */
    highestCapNano(stream: StreamId): Promise<bigint> {
        return this.reads.highestCapNano(stream);
    }

    /** What an escrow owes or may come to owe beyond what it paid; see the funds rule above. */
    outstandingNano(escrow: Buffer, epoch: number, funds: Pick<EscrowFunds, 'paidNano'>): Promise<bigint> {
        return this.reads.outstandingNano(escrow, epoch, funds);
    }

    /** Nodes with an account at the escrow: whose paid sums the funds rule needs. */
    nodeKeys(escrow: Buffer, epoch: number): Promise<Buffer[]> {
        return this.reads.nodeKeys(escrow, epoch);
    }

    /**
     * Final receipts in the order they came, for audits and exports. Where several dispatchers write, one that is being
     * committed may get a place before those already seen.
     */
    finalReceipts(page: { afterId?: bigint; limit: number }): Promise<StoredReceipt[]> {
        return this.reads.finalReceipts(page);
    }

    /** Pairs of signed receipts of one node that exclude each other. */
    contradictions(): Promise<{ kept: StoredReceipt; other: SignedReceipt }[]> {
        return this.reads.contradictions();
    }

    totals(): Promise<{ finalReceipts: number; costNano: bigint; paidNano: bigint }> {
        return this.reads.totals();
    }

    /** See `LedgerUpkeep`. */
    get upkeep(): LedgerUpkeep {
        return new LedgerUpkeep(this.store, this.writer);
    }

    /** Commits what waits and closes the database. */
    close(): Promise<void> {
        this.closing ??= this.writer.close().then(() => this.store.close());
        return this.closing;
    }

    private submit<T>(operation: Operation): Promise<T> {
        return this.writer.submit<T>(operation);
    }
}
