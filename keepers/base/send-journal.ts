/**
 * What a request took is told by one endpoint: it counts within this many times its estimate, either way. Measured fees of
 * honest traces lie well within.
 */
export const feeSpread = 4n;

/** A signed wallet request: fixed bytes, so handing them to the network again can't have a second effect. */
export interface SignedSend {
    /** Raw address of the wallet. */
    wallet: string;
    /** What the wallet takes once: a V5 wallet's seqno, the number of a highload wallet's query. */
    slot: bigint;
    /** Last second of chain time in which the wallet accepts it. */
    validUntilSec: number;
    /** Chain time when it was signed. */
    signedAtSec: number;
    /** The wallet's last transaction before it was signed, as one endpoint told it: what it causes comes later. */
    sinceLt: bigint;
    /** Of the message's body, 32 bytes: by it the transaction is known. */
    bodyHash: Buffer;
    boc: Buffer;
}

export interface OpenSend extends SignedSend {
    id: bigint;
}

/**
 * - `executed`: the wallet's transaction was seen;
 * - `expired`: a state from after its time shows that it was not taken;
 * - `overtaken`: another request took its slot;
 * - `untraced`: its time is over and its slot taken, but no endpoint still has the transactions that say by whom
 */
export type SendFate = 'executed' | 'expired' | 'overtaken' | 'untraced';

export interface SendClosure {
    fate: SendFate;
    /** In hex; null unless executed. */
    transactionHash: string | null;
    atMs: number;
}

export interface NewSend extends SignedSend {
    /** Intents of the outbox that it carries. */
    intentIds: readonly bigint[];
    /** What it should cost its wallet in the end, nanoTON. */
    estimatedFeeNano: bigint;
    atMs: number;
}

/** Remembers signed requests, so that a process that died in between knows what it may have sent. */
export interface SendJournal {
    /** Durable when it resolves: only then may the bytes leave. */
    recordSend(send: NewSend): Promise<OpenSend>;
    closeSend(id: bigint, closure: SendClosure): Promise<void>;
    /** What the whole trace took, once that is known; counts within `feeSpread` of the estimate, where there is one. */
    recordFee(id: bigint, feeNano: bigint): Promise<void>;
    /** Sends whose fate nobody has seen, oldest first. */
    openSends(wallet: string): Promise<OpenSend[]>;
    /** Slot of the latest send, null before the first. */
    lastSlot(wallet: string): Promise<bigint | null>;
}
