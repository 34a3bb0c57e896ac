import { SharedSteps } from './shared-steps';

/** Frames of an answer are at least this far apart: engine output in between waits, so that frames are few. */
export const coalesceMs = 40;
/** A batch this large goes at once. */
const maxBatchBytes = 16_384;

/** All answers of a process go in the same steps, and so in few messages. */
const allAnswers = new SharedSteps();

/** Gathers chunks and hands them on in batches, in order. What comes after a pause, the first token above all, goes at once. */
export class Coalescer {
    private chunks: Buffer[] = [];
    private bytes = 0;
    /** When the batch goes at the latest; undefined while there is none. */
    private dueAtMs: number | undefined;
    private sentAtMs = -Infinity;

    constructor(
        private readonly onBatch: (batch: Buffer) => void,
        private readonly steps = allAnswers,
    ) {}

    add(chunk: Buffer): void {
        this.chunks.push(chunk);
        this.bytes += chunk.length;
        if (this.bytes >= maxBatchBytes) return this.flush();
        if (this.dueAtMs !== undefined) return;
        const dueAtMs = this.sentAtMs + coalesceMs;
        if (dueAtMs <= performance.now()) this.flush();
        else this.wait(dueAtMs);
    }

    flush(): void {
        this.send(performance.now());
    }

    private wait(atMs: number): void {
        const dueAtMs = this.steps.at(atMs, () => {
            // Unless it went early, and this is another batch.
            if (this.dueAtMs === dueAtMs) this.send(dueAtMs);
        });
        this.dueAtMs = dueAtMs;
    }

    /** @param atMs of the step, where it goes in one: the next is counted from there */
    private send(atMs: number): void {
        this.dueAtMs = undefined;
        if (this.bytes === 0) return;
        const batch = this.chunks.length === 1 ? this.chunks[0]! : Buffer.concat(this.chunks, this.bytes);
        this.chunks = [];
        this.bytes = 0;
        this.sentAtMs = atMs;
        this.onBatch(batch);
    }
}
