import type { AnswerSink } from '../answer-sink';
import type { WholeAnswer } from './sealed-answer';

/** An answer as it was sent, while it comes and after: any number of callers read it, each from its beginning. */
export class AnswerTape implements AnswerSink {
    private started: { status: number; headers: Record<string, string> } | undefined;
    private readonly chunks: Buffer[] = [];
    private ended = false;
    private failure: Error | undefined;
    private readonly waiting = new Set<() => void>();
    bytes = 0;

    /** @param onGrowth told of what each part adds to memory */
    constructor(private readonly onGrowth: (bytes: number) => void = () => undefined) {}

    /** A tape of an answer that was recorded before. */
    static of({ status, headers, body }: WholeAnswer): AnswerTape {
        const tape = new AnswerTape();
        tape.head(status, headers);
        tape.end(body);
        return tape;
    }

    /** What was recorded, once it has ended. */
    get whole(): WholeAnswer | undefined {
        return this.ended && this.started ? { ...this.started, body: Buffer.concat(this.chunks) } : undefined;
    }

    head(status: number, headers: Record<string, string>): void {
        this.started = { status, headers };
        this.wake();
    }

    /** Never waits: who reads slowly must not hold up the others, and what an answer may cost bounds its length. */
    write(chunk: Buffer): undefined {
        this.chunks.push(chunk);
        this.bytes += chunk.length;
        this.onGrowth(chunk.length);
        this.wake();
    }

    end(last?: Buffer): void {
        if (last !== undefined) this.write(last);
        this.ended = true;
        this.wake();
    }

    /** There is no answer, and this is why. */
    fail(error: Error): void {
        this.failure = error;
        this.wake();
    }

    /** Plays from the beginning and follows to the end. Rejects with the failure, or when `gone` aborts. */
    async playTo(sink: AnswerSink, more: Record<string, string>, gone: AbortSignal): Promise<void> {
        while (this.started === undefined) {
            if (this.failure !== undefined) throw this.failure;
            await this.news(gone);
        }
        sink.head(this.started.status, { ...this.started.headers, ...more });
        for (let next = 0; ;) {
            while (next < this.chunks.length) await sink.write(this.chunks[next++]!);
            if (this.ended) return sink.end();
            await this.news(gone);
        }
    }

    private news(gone: AbortSignal): Promise<void> {
        return new Promise((resolve, reject) => {
            const settle = (act: () => void) => () => {
                this.waiting.delete(wake);
                gone.removeEventListener('abort', leave);
                act();
            };
            const wake = settle(resolve);
            const leave = settle(() => reject(gone.reason as Error));
            if (gone.aborted) return leave();
            this.waiting.add(wake);
            gone.addEventListener('abort', leave);
        });
    }

    private wake(): void {
        for (const wake of [...this.waiting]) wake();
    }
}
