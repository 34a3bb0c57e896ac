import {
    type AnswerBinding,
    type AnswerReceipt,
    checkReceiptOrder,
    receiptPayloadBytes,
    verifyAnswerReceipt,
} from './answer-receipt';
import { ConfidentialError } from './errors';
import { frameKind, type WireFrame } from './frame-format';
import { Transcript } from './transcript';

/** How far an answer has come: the order of frames, the transcript and the receipts, all without any key. */
export class AnswerProgress {
    private nextIndex = 0;
    private readonly transcript: Transcript;
    private lastReceipt: AnswerReceipt | undefined;
    private ended = false;

    constructor(private readonly to: AnswerBinding) {
        this.transcript = new Transcript(to.requestHash);
    }

    /** index of the frame that comes next, or is just being looked at */
    get index(): number {
        return this.nextIndex;
    }

    /** the last receipt that was in order; what the answer is worth if it breaks now */
    get receipt(): AnswerReceipt | undefined {
        return this.lastReceipt;
    }

    /** whether the final frame has been seen */
    get isFinal(): boolean {
        return this.ended;
    }

    /** Checks that the frame may come here; for a frame with a receipt, the receipt. */
    check(frame: WireFrame): AnswerReceipt | undefined {
        if (this.ended) throw outOfOrder('a frame follows the final one');
        if ((frame.kind === frameKind.start) !== (this.nextIndex === 0)) {
            throw outOfOrder(this.nextIndex === 0 ? 'the answer does not begin with a start frame' : 'a second start');
        }
        if (frame.kind !== frameKind.checkpoint && frame.kind !== frameKind.final) return undefined;
        const payload = frame.payload.subarray(0, receiptPayloadBytes);
        const receipt = verifyAnswerReceipt(this.to, payload, this.transcript.value());
        if (this.lastReceipt) checkReceiptOrder(this.lastReceipt.receipt, receipt.receipt);
        return receipt;
    }

    /** Counts the frame, once everything about it has been checked. */
    accept(frame: WireFrame, receipt: AnswerReceipt | undefined): void {
        this.transcript.add(frame.bytes);
        this.nextIndex++;
        if (receipt) this.lastReceipt = receipt;
        if (frame.kind === frameKind.final) this.ended = true;
    }

    /** Throws `answer_truncated` unless the final frame was the last thing seen. */
    end(atBoundary: boolean): void {
        if (this.ended && atBoundary) return;
        throw new ConfidentialError('answer_truncated', 'the answer ended without its final frame');
    }
}

function outOfOrder(problem: string): ConfidentialError {
    return new ConfidentialError('frame_out_of_order', problem);
}
