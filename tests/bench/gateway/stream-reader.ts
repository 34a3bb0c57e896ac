import { FrameSplitter } from '../../../keepers/confidential';
import { frameKind } from '../../../keepers/confidential/frame-format';

/** Reads one answer as its kind of client would, only far enough to time it and to know that it is whole. */
export interface StreamReader {
    /** Events that this piece completed: of the engine, or data frames where only ciphertext is seen. */
    push(chunk: Buffer): number;
    readonly whole: boolean;
}

const blankLine = Buffer.from('\n\n');
const done = Buffer.from('[DONE]');

/** Counts server-sent events. */
export class SseReader implements StreamReader {
    whole = false;
    private endedWithLf = false;

    push(chunk: Buffer): number {
        let events = this.endedWithLf && chunk[0] === 10 ? 1 : 0;
        for (let at = chunk.indexOf(blankLine); at >= 0; at = chunk.indexOf(blankLine, at + 2)) events += 1;
        this.endedWithLf = chunk.at(-1) === 10 && chunk.at(-2) !== 10;
        this.whole ||= chunk.includes(done);
        return events;
    }
}

/** Counts data frames behind the head, which is the first. */
export class SealedReader implements StreamReader {
    whole = false;
    private dataFrames = 0;
    private readonly splitter = new FrameSplitter();

    push(chunk: Buffer): number {
        const before = Math.max(this.dataFrames, 1);
        this.splitter.push(chunk, ({ kind }) => {
            if (kind === frameKind.data) this.dataFrames += 1;
            if (kind === frameKind.final) this.whole = true;
        });
        return Math.max(this.dataFrames - before, 0);
    }
}

/** A whole answer: nothing but its end says that it is there. */
export class WholeReader implements StreamReader {
    private bytes = 0;

    get whole(): boolean {
        return this.bytes > 0;
    }

    push(chunk: Buffer): number {
        this.bytes += chunk.length;
        return 1;
    }
}
