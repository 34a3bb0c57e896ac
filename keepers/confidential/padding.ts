import { ConfidentialError } from './errors';

/** Smallest value not below `length` of 1024 * 2^k * {1, 1.25, 1.5, 1.75}: at most a quarter is padding beyond 1 KiB. */
export function requestBucket(length: number): number {
    let base = 1024;
    while (base * 2 <= length) base *= 2;
    const quarter = base / 4;
    return base + Math.max(0, Math.ceil((length - base) / quarter)) * quarter;
}

/** Smallest of 256 * 2^k not below `length`. */
export function frameBucket(length: number): number {
    let bucket = 256;
    while (bucket < length) bucket *= 2;
    return bucket;
}

/** The length of a padded request: of `content` bytes behind their b32 length, in their bucket. */
export function paddedRequestBytes(contentBytes: number): number {
    return requestBucket(contentBytes + 4);
}

/** b32(content) | zeros, to the bucket of both. */
export function padRequest(content: Buffer): Buffer {
    const padded = Buffer.alloc(paddedRequestBytes(content.length));
    padded.writeUInt32BE(content.length, 0);
    content.copy(padded, 4);
    return padded;
}

export function unpadRequest(padded: Buffer): Buffer {
    const content = unpad(padded);
    if (!content || paddedRequestBytes(content.length) !== padded.length) {
        throw new ConfidentialError('request_invalid', 'the request is not padded as it must be');
    }
    return content;
}

/** The content of b32(content) | zeros, or undefined when the length does not fit or the rest is not zeros. */
export function unpad(padded: Buffer): Buffer | undefined {
    if (padded.length < 4) return undefined;
    const end = 4 + padded.readUInt32BE(0);
    return end <= padded.length && isZero(padded, end) ? padded.subarray(4, end) : undefined;
}

const zeros = Buffer.alloc(65_536);

function isZero(bytes: Buffer, from: number): boolean {
    for (let start = from; start < bytes.length; start += zeros.length) {
        const end = Math.min(bytes.length, start + zeros.length);
        if (bytes.compare(zeros, 0, end - start, start, end) !== 0) return false;
    }
    return true;
}

/** Whether a ciphertext can be padded at all: visible without a key. */
export function isRequestBucket(length: number): boolean {
    return length >= 1024 && requestBucket(length) === length;
}
