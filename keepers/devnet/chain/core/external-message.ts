import { beginCell, Cell, external, loadMessage, type Message, storeMessage } from '@ton/core';
import { ChainError } from '../errors';

/** Limits of config parameter 43 and of the node for messages from outside. */
const maxBytes = 65_535;
const maxDepth = 512;

export interface ExternalMessage {
    message: Message;
    cell: Cell;
}

/** @throws ChainError `malformed_request` unless the bytes are one external message to a known workchain */
export function readExternalMessage(boc: Buffer): ExternalMessage {
    if (boc.length > maxBytes) throw new ChainError('malformed_request', `boc: larger than ${maxBytes} bytes`);
    const cell = singleRoot(boc);
    if (cell.depth() > maxDepth) throw new ChainError('malformed_request', `boc: deeper than ${maxDepth} cells`);
    const message = parseMessage(cell);
    if (message.info.type !== 'external-in') {
        throw new ChainError('malformed_request', 'boc: not an external inbound message');
    }
    if (message.info.dest.workChain !== 0 && message.info.dest.workChain !== -1) {
        throw new ChainError('malformed_request', 'boc: destination is in no workchain of this network');
    }
    return { message, cell };
}

function singleRoot(boc: Buffer): Cell {
    const roots = parsed(() => Cell.fromBoc(boc));
    if (roots.length !== 1) throw new ChainError('malformed_request', 'boc: expected one root');
    return roots[0]!;
}

function parseMessage(cell: Cell): Message {
    return parsed(() => loadMessage(cell.beginParse()));
}

function parsed<T>(parse: () => T): T {
    try {
        return parse();
    } catch (error) {
        throw new ChainError('malformed_request', 'boc: not a serialized message', error);
    }
}

/** Hash under which a wallet can find its message whatever a relay did to source, import fee and layout (TEP-467). */
export function normalizedHash(message: Message): Buffer {
    if (message.info.type !== 'external-in') throw new ChainError('malformed_request', 'boc: not an external message');
    const plain = external({ to: message.info.dest, body: message.body });
    return beginCell()
        .store(storeMessage(plain, { forceRef: true }))
        .endCell()
        .hash();
}
