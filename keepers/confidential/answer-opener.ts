import { type AnswerError, type AnswerHead, decodeError, decodeHead } from './answer-data';
import { AnswerProgress } from './answer-progress';
import { type AnswerBinding, type AnswerReceipt, receiptPayloadBytes } from './answer-receipt';
import { ConfidentialError } from './errors';
import { FrameCipher } from './frame-cipher';
import { dataType, frameKind, type WireFrame } from './frame-format';
import { FrameSplitter } from './frame-splitter';
import { type OfferFields } from './offer';
import { costNano, type TokenUsage } from './pricing';
import { decodeUsage, usageHash } from './usage';

export type AnswerEvent =
    | { type: 'start' }
    | ({ type: 'head' } & AnswerHead)
    | { type: 'body'; data: Buffer }
    | { type: 'keep-alive' }
    /** the node nears the end of its window and asks for the next */
    | { type: 'window' }
    | ({ type: 'error' } & AnswerError)
    | { type: 'checkpoint'; receipt: AnswerReceipt }
    /** `salt` and `modelIndex` are what else the receipt's usage hash commits to */
    | { type: 'final'; receipt: AnswerReceipt; usage: TokenUsage; salt: Buffer; modelIndex: number };

export interface AnswerOpenerOptions {
    to: AnswerBinding;
    cek: Buffer;
    /** the offer that the request accepted: its hash must be the binding's */
    offer: Pick<OfferFields, 'models'>;
    /** place of the requested model in it */
    modelIndex: number;
}

/**
 * The gateway's end of an answer. Body bytes are handed out as they come; only the `final` event says that they were
 * all, so a stream for which `end()` throws is a failed answer. After any error the opener refuses everything.
 */
export class AnswerOpener {
    private readonly splitter = new FrameSplitter();
    private readonly progress: AnswerProgress;
    private cipher: FrameCipher | undefined;
    private headSeen = false;
    private errorSeen = false;
    private broken: Error | undefined;

    constructor(private readonly options: AnswerOpenerOptions) {
        this.progress = new AnswerProgress(options.to);
    }

    /**
     * Events of all frames that `chunk` completes. When a frame is refused the error is thrown only after the events of
     * the good frames before it were handed out: by this call if there were none, else by the next one or by `end()`;
     * `failure` tells at once.
     */
    push(chunk: Buffer): AnswerEvent[] {
        this.throwIfBroken();
        const events: AnswerEvent[] = [];
        try {
            this.splitter.push(chunk, (frame) => events.push(this.open(frame)));
        } catch (error) {
            this.broken = error as Error;
            if (events.length === 0) throw error;
        }
        return events;
    }

    /** Call when the stream ends; throws unless the answer is complete. */
    end(): void {
        this.cipher?.erase();
        this.throwIfBroken();
        this.progress.end(this.splitter.atBoundary);
    }

    /** why nothing more of this answer is accepted */
    get failure(): Error | undefined {
        return this.broken;
    }

    /** the last good receipt: what the answer costs if it breaks here */
    get receipt(): AnswerReceipt | undefined {
        return this.progress.receipt;
    }

    get isFinal(): boolean {
        return this.progress.isFinal;
    }

    private throwIfBroken(): void {
        if (this.broken) throw this.broken;
    }

    private open(frame: WireFrame): AnswerEvent {
        const receipt = this.progress.check(frame);
        const event = this.eventOf(frame, receipt);
        this.progress.accept(frame, receipt);
        return event;
    }

    private eventOf(frame: WireFrame, receipt: AnswerReceipt | undefined): AnswerEvent {
        if (frame.kind === frameKind.start) return this.openStart(frame.payload);
        if (frame.kind === frameKind.data) return this.openData(this.decrypt(frame.kind, frame.payload));
        if (frame.kind === frameKind.checkpoint) return { type: 'checkpoint', receipt: receipt! };
        return this.openFinal(receipt!, this.decrypt(frame.kind, frame.payload.subarray(receiptPayloadBytes)));
    }

    private decrypt(kind: WireFrame['kind'], sealed: Buffer): Buffer {
        return this.cipher!.open({ index: this.progress.index, kind }, sealed);
    }

    private openStart(fresh: Buffer): AnswerEvent {
        const { cek, to } = this.options;
        this.cipher = new FrameCipher({ cek, requestHash: to.requestHash, nodeKey: to.nodeKey, fresh });
        return { type: 'start' };
    }

    private openData(content: Buffer): AnswerEvent {
        if (this.errorSeen) throw new ConfidentialError('frame_out_of_order', 'data follows an error');
        const data = content.subarray(1);
        switch (content[0]) {
            case dataType.head:
                return this.openHead(data);
            case dataType.body:
                if (!this.headSeen) throw new ConfidentialError('frame_out_of_order', 'a body comes before its head');
                return { type: 'body', data };
            case dataType.keepAlive:
                if (data.length > 0) throw new ConfidentialError('frame_invalid', 'a keep-alive carries data');
                return { type: 'keep-alive' };
            case dataType.window:
                if (data.length > 0) throw new ConfidentialError('frame_invalid', 'a window request carries data');
                return { type: 'window' };
            case dataType.error:
                this.errorSeen = true;
                return { type: 'error', ...decodeError(data) };
            default:
                throw new ConfidentialError('frame_invalid', 'unknown type of data');
        }
    }

    private openHead(data: Buffer): AnswerEvent {
        if (this.headSeen) throw new ConfidentialError('frame_out_of_order', 'a second head');
        this.headSeen = true;
        return { type: 'head', ...decodeHead(data) };
    }

    /** The receipt's hash must be of this usage, and its cost what the offer asks for it. */
    private openFinal(receipt: AnswerReceipt, encoded: Buffer): AnswerEvent {
        if (!usageHash(encoded).equals(receipt.usageHash)) {
            throw new ConfidentialError('receipt_invalid', 'receipt: it commits to another usage');
        }
        const { salt, modelIndex, promptTokens, cachedPromptTokens, completionTokens, reasoningTokens } =
            decodeUsage(encoded);
        const usage = { promptTokens, cachedPromptTokens, completionTokens, reasoningTokens };
        const { offer, modelIndex: expectedIndex } = this.options;
        const terms = offer.models[expectedIndex];
        if (!terms || modelIndex !== expectedIndex || costNano(terms, usage) !== receipt.receipt.costNano) {
            throw new ConfidentialError('receipt_cost_wrong', 'the receipt claims another cost than the offer gives');
        }
        return { type: 'final', receipt, usage, salt, modelIndex };
    }
}
