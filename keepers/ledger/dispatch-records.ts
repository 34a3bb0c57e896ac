import type { EscrowFunds, SignedCap, SignedReceipt, StreamId } from './records';

export type DispatchRequestState = 'running' | 'final' | 'failed' | 'refused' | 'lost';

export interface CapRecord extends StreamId, SignedCap {
    requestId: Buffer;
    offerHash: Buffer;
    /** What the request may cost, as its context states; as far as the cap rises where nothing says so. */
    worstCaseNano?: bigint;
    funds: EscrowFunds;
    atMs: number;
}

/** A new cap for a request that runs. */
export interface CapRaiseRecord {
    requestId: Buffer;
    /** What this request may cost from now on. */
    allowanceNano: bigint;
    /** Stands for `h` in the cap. */
    capHash: Buffer;
    capCumulativeNano: bigint;
    capSignature: Buffer;
    funds: EscrowFunds;
}

export interface ReceiptRecord extends SignedReceipt {
    /** Null when the request is unknown here, as with an orphan from before a restore. */
    requestId: Buffer | null;
    usageHash: Buffer;
    transcriptHash: Buffer;
    final: boolean;
    receivedAtMs: number;
}

/**
 * - `recorded`: new and consistent; - `known`: these very bytes were here;
 * - `contradicts`: kept as evidence, not used for settling: the node signed two histories
 */
export type ReceiptOutcome = 'recorded' | 'known' | 'contradicts';

export interface StoredReceipt extends SignedReceipt {
    id: bigint;
    requestId: Buffer | null;
    usageHash: Buffer;
    transcriptHash: Buffer;
    final: boolean;
    receivedAtMs: number;
}

/** The latest receipt of a stream with the best cap held for it, unpaid in part at least. */
export interface Settleable extends SignedReceipt {
    cap: SignedCap;
    /** As last recorded from the chain. */
    paidNano: bigint;
    receivedAtMs: number;
}

export interface DispatchRequest extends SignedCap {
    requestId: Buffer;
    escrow: Buffer;
    epoch: number;
    nodeKey: Buffer;
    offerHash: Buffer;
    worstCaseNano: bigint;
    state: DispatchRequestState;
    failureCode: string | null;
    recordedAtMs: number;
    /** Which dispatcher relays it. */
    dispatcherId: string;
    receipt: StoredReceipt | null;
    checkpoint: StoredReceipt | null;
}
