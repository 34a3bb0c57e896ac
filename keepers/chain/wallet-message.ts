import {
    type Address,
    beginCell,
    type Cell,
    external,
    internal,
    type MessageRelaxed,
    type SenderArguments,
    SendMode,
    storeMessage,
} from '@ton/core';
import type { WalletContractV5R1 } from '@ton/ton';
import type { WalletKey } from './wallet-key';

/** A signed wallet request: fixed bytes, so sending it again can't have a second effect. */
export interface SignedRequest {
    seqno: number;
    /** Chain time after which the wallet refuses it. */
    validUntilSec: number;
    body: Cell;
    boc: Buffer;
}

export interface RequestOptions {
    wallet: WalletContractV5R1;
    key: WalletKey;
    seqno: number;
    validUntilSec: number;
    messages: readonly SenderArguments[];
    /** With the wallet's code, for its first message. */
    deploy: boolean;
}

/** Messages pay their own forwarding from the wallet, so that the receiver gets exactly `value`. */
const sendMode = SendMode.PAY_GAS_SEPARATELY | SendMode.IGNORE_ERRORS;

export async function signRequest(options: RequestOptions): Promise<SignedRequest> {
    const { wallet, key, seqno, validUntilSec } = options;
    const body = await wallet.createTransfer({
        seqno,
        timeout: validUntilSec,
        sendMode,
        messages: options.messages.map(toMessage),
        signer: (cell) => key.signCell(cell),
    });
    const message = external({ to: wallet.address, init: options.deploy ? wallet.init : null, body });
    return { seqno, validUntilSec, body, boc: beginCell().store(storeMessage(message)).endCell().toBoc() };
}

function toMessage(message: SenderArguments): MessageRelaxed {
    return internal({
        to: message.to,
        value: message.value,
        bounce: message.bounce ?? true,
        init: message.init ?? undefined,
        body: message.body ?? undefined,
    });
}

/** The seqno inside a V5 external request: op, wallet id, valid until, seqno. */
export function requestSeqno(body: Cell): number | null {
    const slice = body.beginParse();
    if (slice.remainingBits < 128) return null;
    slice.skip(96);
    return slice.loadUint(32);
}

/** What the messages that `send` would send look like, instead of sending them. */
export async function collectMessages(
    from: Address,
    send: (sender: { address: Address; send: (message: SenderArguments) => Promise<void> }) => Promise<unknown>,
): Promise<SenderArguments[]> {
    const messages: SenderArguments[] = [];
    await send({ address: from, send: async (message) => void messages.push(message) });
    return messages;
}
