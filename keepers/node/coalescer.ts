/** Frames of an answer are at least this far apart: engine output in between waits, so that frames are few. */
export const coalesceMs = 40;
/** A batch this large goes at once. */
const maxBatchBytes = 16_384;

/** Gathers chunks and hands them on in batches, in order. What comes after a pause, the first token above all, goes at once. */
export class Coalescer {
    private chunks: Buffer[] = [];
    private bytes = 0;
    private timer: NodeJS.Timeout | undefined;
    private sentAtMs = -Infinity;

    constructor(private readonly onBatch: (batch: Buffer) => void) {}

    add(chunk: Buffer): void {
        this.chunks.push(chunk);
        this.bytes += chunk.length;
        if (this.bytes >= maxBatchBytes) return this.flush();
        if (this.timer !== undefined) return;
        const waitMs = this.sentAtMs + coalesceMs - performance.now();
        if (waitMs <= 0) this.flush();
        else this.timer = setTimeout(() => this.flush(), waitMs);
    }

    flush(): void {
        clearTimeout(this.timer);
        this.timer = undefined;
        if (this.bytes === 0) return;
        const batch = this.chunks.length === 1 ? this.chunks[0]! : Buffer.concat(this.chunks, this.bytes);
        this.chunks = [];
        this.bytes = 0;
        this.sentAtMs = performance.now();
        this.onBatch(batch);
    }
}
