import {
    type Address,
    beginCell,
    type Cell,
    external,
    internal,
    type MessageRelaxed,
    type SenderArguments,
    SendMode,
    type StateInit,
    storeMessage,
} from '@ton/core';
import { ChainError } from '../errors';

/** Messages pay their own forwarding from the wallet, so that the receiver gets exactly `value`; one that can't be paid is left out. */
export const sendMode = SendMode.PAY_GAS_SEPARATELY | SendMode.IGNORE_ERRORS;

/** TON takes no larger message from outside. */
const maxExternalBytes = 65_535;

export function toMessage(message: SenderArguments): MessageRelaxed {
    return internal({
        to: message.to,
        value: message.value,
        bounce: message.bounce ?? true,
        init: message.init ?? undefined,
        body: message.body ?? undefined,
    });
}

/** @throws ChainError `wallet_invalid` when the messages are too large to be sent at once */
export function externalBoc(to: Address, init: StateInit | null, body: Cell): Buffer {
    const boc = beginCell()
        .store(storeMessage(external({ to, init, body })))
        .endCell()
        .toBoc();
    if (boc.length <= maxExternalBytes) return boc;
    throw new ChainError('wallet_invalid', `The messages take ${boc.length} bytes, ${maxExternalBytes} are allowed`);
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
