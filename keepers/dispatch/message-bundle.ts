import { linkOperation } from './link-messages';

const lengthBytes = 4;

/** Bytes of one message within a bundle, its length in front. */
export function bundledBytes(bytes: number): number {
    return lengthBytes + bytes;
}

/**
 * A message in its pieces, put together with others of one moment: `22 | n times b32(message)`. One message alone travels
 * as it is.
 */
export function encodeBundle(messages: readonly (readonly Buffer[])[]): Buffer {
    if (messages.length === 1) return Buffer.concat(messages[0]!);
    let bytes = 1;
    for (const message of messages) bytes += bundledBytes(messageBytes(message));
    const bundle = Buffer.allocUnsafe(bytes);
    bundle[0] = linkOperation.bundle;
    let at = 1;
    for (const message of messages) {
        let end = at + lengthBytes;
        for (const piece of message) end += piece.copy(bundle, end);
        bundle.writeUInt32BE(end - at - lengthBytes, at);
        at = end;
    }
    return bundle;
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

/** Of a message in its pieces. */
export function messageBytes(pieces: readonly Buffer[]): number {
    let bytes = 0;
    for (const piece of pieces) bytes += piece.length;
    return bytes;
}
