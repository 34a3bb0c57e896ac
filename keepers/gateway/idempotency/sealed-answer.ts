import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';

/** An answer as it was sent. */
export interface WholeAnswer {
    status: number;
    headers: Record<string, string>;
    body: Buffer;
}

const cipher = 'aes-256-gcm';
const nonceBytes = 12;
const tagBytes = 16;

/** nonce | tag | encrypted(length of head | head | body); `about` is bound to it, not in it. */
export function sealAnswer({ status, headers, body }: WholeAnswer, key: Buffer, about: Buffer): Buffer {
    const head = Buffer.from(JSON.stringify({ status, headers }));
    const length = Buffer.alloc(4);
    length.writeUInt32BE(head.length);
    const nonce = randomBytes(nonceBytes);
    const sealer = createCipheriv(cipher, key, nonce).setAAD(about);
    const sealed = [length, head, body].map((part) => sealer.update(part));
    sealer.final();
    return Buffer.concat([nonce, sealer.getAuthTag(), ...sealed]);
}

/** Undefined for whoever does not bring the key, and for what was altered. */
export function openAnswer(sealed: Buffer, key: Buffer, about: Buffer): WholeAnswer | undefined {
    const opener = createDecipheriv(cipher, key, sealed.subarray(0, nonceBytes), { authTagLength: tagBytes });
    opener.setAAD(about).setAuthTag(sealed.subarray(nonceBytes, nonceBytes + tagBytes));
    try {
        const plain = Buffer.concat([opener.update(sealed.subarray(nonceBytes + tagBytes)), opener.final()]);
        const headEnd = 4 + plain.readUInt32BE(0);
        const head = JSON.parse(plain.toString('utf8', 4, headEnd)) as Omit<WholeAnswer, 'body'>;
        return { ...head, body: plain.subarray(headEnd) };
    } catch {
        return undefined;
    }
}
