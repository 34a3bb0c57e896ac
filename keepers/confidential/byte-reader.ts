import { ConfidentialError, type ConfidentialErrorCode } from './errors';

/**
 * Reads a peer's bytes front to back. Every read is bounded and throws `code`; what it returns are views into the input.
 * Callers finish with `end()`, so that no structure has two encodings.
 */
export class ByteReader {
    private offset = 0;

    constructor(
        private readonly bytes: Buffer,
        private readonly code: ConfidentialErrorCode,
        private readonly what: string,
    ) {}

    fail(problem: string): never {
        throw new ConfidentialError(this.code, `${this.what}: ${problem}`);
    }

    /** Where the next `length` bytes begin; they are read then. */
    private take(length: number): number {
        const start = this.offset;
        const end = start + length;
        if (end > this.bytes.length) this.fail(`ends early, ${end - this.bytes.length} bytes are missing`);
        this.offset = end;
        return start;
    }

    fixed(length: number): Buffer {
        const start = this.take(length);
        return this.bytes.subarray(start, start + length);
    }

    tag(expected: string): void {
        const start = this.take(4);
        if (this.bytes.toString('latin1', start, start + 4) !== expected) this.fail(`does not begin with ${expected}`);
    }

    u8(): number {
        return this.bytes[this.take(1)]!;
    }

    u16(): number {
        return this.bytes.readUInt16BE(this.take(2));
    }

    u32(): number {
        return this.bytes.readUInt32BE(this.take(4));
    }

    u64(): bigint {
        return this.bytes.readBigUInt64BE(this.take(8));
    }

    /** A u64 that fits a JavaScript number exactly; times do until the year 287396. */
    u64Safe(): number {
        const value = this.u64();
        if (value > BigInt(Number.MAX_SAFE_INTEGER)) this.fail('a number is out of range');
        return Number(value);
    }

    u96(): bigint {
        return (BigInt(this.u32()) << 64n) | this.u64();
    }

    b8(): Buffer {
        return this.fixed(this.u8());
    }

    b16(): Buffer {
        return this.fixed(this.u16());
    }

    b32(): Buffer {
        return this.fixed(this.u32());
    }

    /** UTF-8, strictly: bytes that do not decode, or decode from another form than the shortest, are refused. */
    utf8(bytes: Buffer): string {
        try {
            return decoder.decode(bytes);
        } catch {
            return this.fail('a text is not UTF-8');
        }
    }

    str8(): string {
        return this.utf8(this.b8());
    }

    end(): void {
        if (this.offset !== this.bytes.length) this.fail(`${this.bytes.length - this.offset} bytes too many`);
    }
}

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
