/** Engine output waits this long for company, so that the length of a single token never shows and frames are few. */
export const coalesceMs = 20;
/** A batch this large goes at once. */
const maxBatchBytes = 16_384;

/** Gathers chunks and hands them on in batches, in order. */
export class Coalescer {
    private chunks: Buffer[] = [];
    private bytes = 0;
    private timer: NodeJS.Timeout | undefined;

    constructor(private readonly onBatch: (batch: Buffer) => void) {}

    add(chunk: Buffer): void {
        this.chunks.push(chunk);
        this.bytes += chunk.length;
        if (this.bytes >= maxBatchBytes) return this.flush();
        this.timer ??= setTimeout(() => this.flush(), coalesceMs);
    }

    flush(): void {
        clearTimeout(this.timer);
        this.timer = undefined;
        if (this.bytes === 0) return;
        const batch = this.chunks.length === 1 ? this.chunks[0]! : Buffer.concat(this.chunks, this.bytes);
        this.chunks = [];
        this.bytes = 0;
        this.onBatch(batch);
    }
}
