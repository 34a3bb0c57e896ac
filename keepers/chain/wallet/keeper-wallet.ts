import type { Address, Sender, SenderArguments } from '@ton/core';
import type { TraceTransaction } from '../trace';
import type { WalletKind } from './wallet-protocol';

/** Made anew for each signing, where prices or needs may have changed since the last. */
export type WalletMessages = readonly SenderArguments[] | (() => Promise<readonly SenderArguments[]>);

export interface SendOptions {
    timeoutMs?: number;
    signal?: AbortSignal;
    /** Intents of the outbox that the request carries. */
    intentIds?: readonly bigint[];
    /** What it should cost in the end, asked before each signing; counts against a budget until the real sum is known. */
    estimatedFeeNano?: bigint | (() => Promise<bigint>);
    /** Nothing is signed while it should cost more than this. */
    maxFeeNano?: bigint;
    /** Chain time after which nothing is signed any more, nor taken by the wallet. */
    notAfterSec?: number;
}

export interface SendResult {
    /** Of the wallet's transaction, in hex. */
    transactionHash: string;
    lt: bigint;
    /** The wallet's transaction first, then everything that it caused. */
    trace: TraceTransaction[];
    /** False when the trace went on past the time limit. */
    complete: boolean;
    /** What the trace took, as far as it was seen. */
    feeNano: bigint;
}

/** What keepers send with. */
export interface KeeperWallet {
    readonly kind: WalletKind;
    readonly address: Address;
    /** Requests that may be under way at once. */
    readonly maxUnderWay: number;
    getBalanceNano(): Promise<bigint>;
    /** Kept back for the wallet's own gas and forwarding, beside what the messages carry. */
    marginNano(messages: number): bigint;
    /** For wrappers: each send waits until the message was executed by its receiver. */
    sender(options?: SendOptions): Sender;
    sendAndConfirm(messages: WalletMessages, options?: SendOptions): Promise<SendResult>;
    /** Finds out what became of requests that an earlier process recorded. Returns how many are still open. */
    recover(options?: { timeoutMs?: number; signal?: AbortSignal }): Promise<number>;
    /** Closes requests of another wallet, whose keeper is gone, that can't be executed any more. */
    closeOverdue(wallet: string): Promise<void>;
    /** Resolves when nothing waits or runs. */
    idle(): Promise<void>;
}
