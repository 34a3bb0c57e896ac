import { linkOperation } from './link-messages';

const lengthBytes = 4;
const bundleByte = Buffer.from([linkOperation.bundle]);

/** Bytes of one message within a bundle, its length in front. */
export function bundledBytes(messageBytes: number): number {
    return lengthBytes + messageBytes;
}

/**
 * A message in its pieces, put together with others of one moment: `22 | n times b32(message)`. One message alone travels
 * as it is.
 */
export function encodeBundle(messages: readonly (readonly Buffer[])[]): Buffer {
    if (messages.length === 1) return Buffer.concat(messages[0]!);
    const pieces: Buffer[] = [bundleByte];
    for (const message of messages) pieces.push(lengthOf(message), ...message);
    return Buffer.concat(pieces);
}

/** The messages that one WebSocket message holds, as views of it; undefined when it is malformed: empty, cut, or nested. */
export function messagesIn(data: Buffer): Buffer[] | undefined {
    if (data.length === 0) return undefined;
    if (data[0] !== linkOperation.bundle) return [data];
    const messages: Buffer[] = [];
    for (let at = 1; at < data.length;) {
        if (data.length - at < lengthBytes) return undefined;
        const length = data.readUInt32BE(at);
        at += lengthBytes;
        if (length === 0 || length > data.length - at || data[at] === linkOperation.bundle) return undefined;
        messages.push(data.subarray(at, at + length));
        at += length;
    }
    return messages.length === 0 ? undefined : messages;
}

function lengthOf(message: readonly Buffer[]): Buffer {
    const length = Buffer.allocUnsafe(lengthBytes);
    length.writeUInt32BE(message.reduce((sum, piece) => sum + piece.length, 0));
    return length;
}
