import type { Address, Cell, Transaction, TupleItem } from '@ton/core';

/** What both APIs say, in one form. `seqno` is the masterchain block that the answer is from, null where it isn't said. */

/** A masterchain block. */
export interface Head {
    seqno: number;
    /** Unix seconds; null where the API doesn't say. */
    timeSec: number | null;
}

export interface TransactionId {
    lt: bigint;
    /** 32 bytes */
    hash: Buffer;
}

export interface AccountReading {
    balanceNano: bigint;
    status: 'active' | 'uninitialized' | 'frozen';
    code: Cell | null;
    data: Cell | null;
    /** Null for an account without transactions. */
    lastTransaction: TransactionId | null;
    seqno: number | null;
    timeSec: number | null;
}

export interface MethodReading {
    exitCode: number;
    stack: TupleItem[];
    seqno: number | null;
}

/** Config parameter 8. */
export interface GlobalVersion {
    version: number;
    capabilities: bigint;
}

export interface MethodCall {
    address: Address;
    name: string;
    args: TupleItem[];
}

export interface PageQuery {
    limit: number;
    /** Those older than this transaction. */
    before?: TransactionId;
    /** This transaction and those older. */
    from?: TransactionId;
}

/**
 * One endpoint's API. Every method throws ChainError; what does not have the form agreed upon is `rpc_malformed`, what
 * contradicts itself `rpc_inconsistent`.
 */
export interface EndpointApi {
    head(): Promise<Head>;
    /** The newest block with its time. */
    clock(): Promise<{ seqno: number; timeSec: number }>;
    /** 32 bytes, of a masterchain block. */
    blockRootHash(seqno: number): Promise<Buffer>;
    account(address: Address, seqno?: number): Promise<AccountReading>;
    runMethod(call: MethodCall, seqno?: number): Promise<MethodReading>;
    /** Newest first, each linked to the next by hash. */
    transactions(address: Address, query: PageQuery): Promise<Transaction[]>;
    globalVersion(): Promise<GlobalVersion>;
    send(boc: Buffer): Promise<void>;
}

/** One request of an API; resolves to parsed JSON of a good answer, and throws ChainError for any other. */
export type ApiRequest = (request: { method: string; path?: string; body?: unknown }) => Promise<unknown>;
