import { AnswerProgress } from './answer-progress';
import { type AnswerBinding, type AnswerReceipt } from './answer-receipt';
import { frameKind, type WireFrame } from './frame-format';
import { FrameSplitter } from './frame-splitter';

/** Bytes to pass on as they are. With a receipt: store it durably first. */
export interface WatchedPiece {
    bytes: Buffer;
    receipt?: AnswerReceipt;
    /** the receipt is the final one */
    final: boolean;
}

/** A dispatcher's view of an answer: it forwards whole frames in order and checks every receipt, without any key. */
export class ReceiptWatcher {
    private readonly splitter = new FrameSplitter();
    private readonly progress: AnswerProgress;
    private broken: Error | undefined;

    constructor(to: AnswerBinding) {
        this.progress = new AnswerProgress(to);
    }

    /**
     * What `chunk` adds that is good. When a frame is refused the error is thrown only after the good frames before it
     * were handed out: by this call if there were none, else by the next one or by `end()`; `failure` tells at once.
     */
    push(chunk: Buffer): WatchedPiece[] {
        this.throwIfBroken();
        const pieces: WatchedPiece[] = [];
        try {
            this.splitter.push(chunk, (frame) => pieces.push(this.watch(frame)));
        } catch (error) {
            this.broken = error as Error;
            if (pieces.length === 0) throw error;
        }
        return pieces;
    }

    /** why nothing more of this answer may be passed on */
    get failure(): Error | undefined {
        return this.broken;
    }

    get receipt(): AnswerReceipt | undefined {
        return this.progress.receipt;
    }

    get isFinal(): boolean {
        return this.progress.isFinal;
    }

    /** Frames seen so far: 0 means that nothing is owed. */
    get frames(): number {
        return this.progress.index;
    }

    /** Call when the node's stream ends; throws `answer_truncated` when it ended early. */
    end(): void {
        this.throwIfBroken();
        this.progress.end(this.splitter.atBoundary);
    }

    private watch(frame: WireFrame): WatchedPiece {
        const receipt = this.progress.check(frame);
        this.progress.accept(frame, receipt);
        return { bytes: frame.bytes, receipt, final: frame.kind === frameKind.final };
    }

    private throwIfBroken(): void {
        if (this.broken) throw this.broken;
    }
}
