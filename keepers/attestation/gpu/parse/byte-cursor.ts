import { requireFormat } from '../../parse/format-error';

/** Reads little-endian fields one after the other; whatever runs past the end is a FormatError. */
export class ByteCursor {
    private offset = 0;

    constructor(
        private readonly bytes: Buffer,
        private readonly what: string,
    ) {}

    get done(): boolean {
        return this.offset === this.bytes.length;
    }

    take(length: number): Buffer {
        requireFormat(length <= this.bytes.length - this.offset, `${this.what} ends too early`);
        this.offset += length;
        return this.bytes.subarray(this.offset - length, this.offset);
    }

    /** An unsigned integer of one to six bytes. */
    uint(length: number): number {
        return this.take(length).readUIntLE(0, length);
    }

    /** Refuses bytes that nothing has read. */
    end(): void {
        requireFormat(this.done, `bytes after the end of the ${this.what}`);
    }
}
