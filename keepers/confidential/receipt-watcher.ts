import { AnswerProgress } from './answer-progress';
import { type AnswerBinding, type AnswerReceipt } from './answer-receipt';
import { frameKind } from './frame-format';
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

    constructor(to: AnswerBinding) {
        this.progress = new AnswerProgress(to);
    }

    push(chunk: Buffer): WatchedPiece[] {
        return this.splitter.push(chunk).map((frame) => {
            const receipt = this.progress.check(frame);
            this.progress.accept(frame, receipt);
            return { bytes: frame.bytes, receipt, final: frame.kind === frameKind.final };
        });
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
        this.progress.end(this.splitter.atBoundary);
    }
}
