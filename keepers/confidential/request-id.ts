import { randomBytes } from 'node:crypto';

const timeBytes = 6;
const randomPart = 10;
const lastTimeMs = 2 ** (8 * timeBytes) - 1;

/**
 * A UUID of version 7 (RFC 9562, section 5.7): milliseconds since 1970 in the first 48 bits, 74 random bits. Ids that come
 * one after the other lie side by side in an index, where random ones would each touch a page of their own. The context
 * tells as much of the clock by its deadline.
 * @param random 10 bytes, of which 6 bits are not used
 */
export function newRequestId(nowMs: number, random: Uint8Array = randomBytes(randomPart)): Buffer {
    const id = Buffer.alloc(timeBytes + randomPart);
    id.writeUIntBE(Math.min(Math.max(Math.floor(nowMs), 0), lastTimeMs), 0, timeBytes);
    id.set(random, timeBytes);
    id[6] = 0x70 | (id[6]! & 0x0f);
    id[8] = 0x80 | (id[8]! & 0x3f);
    return id;
}
