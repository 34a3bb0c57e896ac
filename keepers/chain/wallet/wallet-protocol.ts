import type { Address, Cell, SenderArguments } from '@ton/core';
import type { SignedSend } from '../../base';
import type { AccountReading } from '../endpoints/endpoint-api';
import type { SlotState } from './judge-send';

export type WalletKind = 'v5r1' | 'highload-v3';

export interface SignRequest {
    slot: bigint;
    /** Last second of chain time in which the wallet shall accept it. */
    validUntilSec: number;
    messages: readonly SenderArguments[];
    /** With the wallet's code, for its first message. */
    deploy: boolean;
}

export interface KnownSlots {
    lastSigned: bigint | null;
    lastTaken: bigint | null;
    chainTimeSec: number;
}

/** What differs between kinds of wallets; the rest of sending is one engine. */
export interface WalletProtocol {
    readonly kind: WalletKind;
    readonly address: Address;
    /** In one request. */
    readonly maxMessages: number;
    /** Requests that may be under way at once. */
    readonly maxUnderWay: number;
    /** Kept back for the wallet's own gas and forwarding. */
    marginNano(messages: number): bigint;
    /** A slot that no request has taken, given the account, and the slots signed for and seen taken last. */
    nextSlot(account: AccountReading, known: KnownSlots): bigint;
    slotState(account: AccountReading, send: SignedSend): SlotState;
    sign(request: SignRequest): Promise<{ body: Cell; boc: Buffer }>;
}
