import type { Clock, Logger } from '../base';
import {
    type AnswerReceipt,
    ConfidentialError,
    type ParsedEnvelope,
    ReceiptWatcher,
    type WatchedPiece,
    type AnswerBinding,
} from '../confidential';
import type { DispatchLedger, ReceiptOutcome } from '../ledger';
import { DispatchError } from './errors';
import type { Refusal } from './link-messages';
import type { AnswerListener, NodeLink } from './node-link';
import type { NodeLoad } from './node-load';

/** Where an answer goes: the gateway's HTTP response. */
export interface AnswerOutput {
    /** Frames, in order. The first call fixes the status. */
    write(bytes: Buffer): void;
    /** The answer is whole. */
    end(): void;
    /** It is not: a JSON error before the first frame, a cut connection after it. */
    fail(error: DispatchError): void;
}

export interface RelayOptions {
    link: NodeLink;
    envelope: ParsedEnvelope;
    envelopeBytes: Buffer;
    binding: AnswerBinding;
    /** Whether the session has signed a cap of that height for the stream, through any replica. */
    capCovers?: (cumulativeNano: bigint) => Promise<boolean>;
    /** Set where another replica may have passed the request on: bytes of the answer that its gateway has. */
    resumeFrom?: number;
    ledger: DispatchLedger;
    load: NodeLoad;
    /** Told how it ended, once. */
    observed?: { end(outcome: string, firstFrameMs?: number): void };
    output: AnswerOutput;
    /** Resolves once the request's cap is on disk: nothing of the answer passes before. */
    recorded: () => Promise<void>;
    clock: Clock;
    logger: Logger;
}

/** Refusals of a node that say only that it does not begin the request now: it may have done so before. */
const saysNothing: ReadonlySet<string> = new Set(['request_replayed', 'answer_not_kept']);

/** How long a cancelled node may take to sign its final receipt before the stream is given up. */
const cancelGraceMs = 5_000;

/**
 * One request on its way: ciphertext in, ciphertext out. The cap is on disk before anything of the answer leaves, and a
 * receipt before the frame that carries it; frames behind them wait their turn, and so does every end but a failing store's: what came before the end still counts.
 */
export class RequestRelay implements AnswerListener {
    private readonly watcher: ReceiptWatcher;
    /** By the monotonic clock. */
    private readonly startedAtMs: number;
    private firstFrameMs: number | undefined;
    private turn: Promise<void> = Promise.resolve();
    private waiting = 0;
    /** The node sent something wrong: nothing more is taken from it. */
    private broken = false;
    private finished = false;
    /** Bytes that the gateway has already. */
    private skip: number;
    private timer: NodeJS.Timeout | undefined;
    private settle!: () => void;
    /** Resolves when the request holds no more of the node's capacity. */
    readonly done = new Promise<void>((resolve) => (this.settle = resolve));

    constructor(private readonly options: RelayOptions) {
        this.watcher = new ReceiptWatcher(options.binding);
        this.startedAtMs = options.clock.monotonicMs();
        this.skip = options.resumeFrom ?? 0;
    }

    /** The node begins while the disk still writes what the rules have accepted. */
    start(): void {
        const { link, envelope, envelopeBytes, clock, recorded } = this.options;
        const how = this.isResumed ? 'resume' : 'request';
        this.inTurn(recorded);
        if (!link.send(envelope.context.requestId, envelopeBytes, this, how)) {
            const gone = new DispatchError('node_unknown', 'that node has just gone');
            return this.inTurn(() => this.notBegun('failed', gone));
        }
        const leftMs = Math.max(envelope.context.deadlineMs - clock.nowMs(), 0);
        this.timer = setTimeout(
            () => this.cancel(new DispatchError('deadline_passed', 'the deadline passed before the answer was whole')),
            leftMs,
        );
    }

    /** The gateway went away or the deadline passed: the node stops and signs for what it did. */
    cancel(reason: DispatchError): void {
        if (this.finished) return;
        this.options.link.cancel(this.options.envelope.context.requestId);
        clearTimeout(this.timer);
        this.timer = setTimeout(() => this.inTurn(async () => this.abandon(reason)), cancelGraceMs);
    }

    frames(bytes: Buffer): void {
        if (this.finished || this.broken) return;
        this.firstFrameMs ??= this.options.clock.monotonicMs() - this.startedAtMs;
        try {
            for (const piece of this.watcher.push(bytes)) this.pass(piece);
            if (this.watcher.failure !== undefined) this.breakOff(this.watcher.failure);
        } catch (error) {
            this.breakOff(error);
        }
    }

    refused(refusal: Refusal): void {
        if (this.finished || this.broken) return;
        if (this.watcher.frames > 0) return this.breakOff(new Error('a refusal after frames'));
        const { code, message, retryAfterMs } = refusal;
        const error = new DispatchError('node_refused', message, { nodeCode: code, retryAfterMs });
        this.inTurn(() => (saysNothing.has(code) ? this.notBegun('refused', error) : this.giveBack('refused', error)));
    }

    private get isResumed(): boolean {
        return this.options.resumeFrom !== undefined;
    }

    /** What another replica passed on may be owed for, whatever this one hears. */
    private async notBegun(state: 'refused' | 'failed', error: DispatchError): Promise<void> {
        if (!this.isResumed) return this.giveBack(state, error);
        this.abandon(error.code === 'node_refused' ? new DispatchError('node_lost', error.message) : error);
    }

    lost(): void {
        const reason = new DispatchError('node_lost', 'the node went away before the answer was whole');
        this.inTurn(async () => this.abandon(reason));
    }

    /** It would wait for nothing until the deadline, and hold a place meanwhile. The ledger's row is the other's now. */
    superseded(): void {
        if (!this.finished) this.finish(new DispatchError('node_lost', 'another connection took the request over'));
    }

    /** In order; without a receipt ahead, at once. */
    private pass(piece: WatchedPiece): void {
        if (piece.receipt === undefined && this.waiting === 0) return this.write(piece.bytes);
        this.inTurn(async () => {
            const problem = piece.receipt && (await this.problemOf(piece.receipt, piece.final));
            if (problem !== undefined) return this.onBadFrame(problem);
            this.write(piece.bytes);
            if (piece.final) this.complete();
        });
    }

    private async problemOf(receipt: AnswerReceipt, final: boolean): Promise<string | undefined> {
        const { capCovers } = this.options;
        if (capCovers !== undefined && !(await capCovers(receipt.receipt.cumulativeNano))) return 'receipt_above_cap';
        return (await this.record(receipt, final)) === 'contradicts' ? 'receipt_contradicts' : undefined;
    }

    private write(bytes: Buffer): void {
        const skipped = Math.min(this.skip, bytes.length);
        this.skip -= skipped;
        if (skipped < bytes.length) this.options.output.write(bytes.subarray(skipped));
    }

    private inTurn(act: () => Promise<void>): void {
        this.waiting += 1;
        this.turn = this.turn
            .then(() => (this.finished ? undefined : act()))
            .catch((error: unknown) => this.onStoreFailure(error))
            .finally(() => (this.waiting -= 1));
    }

    private record(receipt: AnswerReceipt, final: boolean): Promise<ReceiptOutcome> {
        const { envelope, ledger, clock } = this.options;
        return ledger.recordReceipt({
            requestId: envelope.context.requestId,
            escrow: envelope.context.escrow,
            epoch: envelope.context.epoch,
            receipt: receipt.receipt,
            signature: receipt.nodeSignature,
            usageHash: receipt.usageHash,
            transcriptHash: receipt.transcriptHash,
            final,
            receivedAtMs: clock.nowMs(),
        });
    }

    private complete(): void {
        const { link, envelope, load } = this.options;
        link.taken(envelope.context.requestId);
        load.succeeded(this.firstFrameMs ?? 0);
        this.finish(undefined);
    }

    /** Good frames before the bad one keep their turn. */
    private breakOff(error: unknown): void {
        this.broken = true;
        const code = error instanceof ConfidentialError ? error.code : 'refusal_after_frames';
        this.inTurn(async () => this.onBadFrame(code, error));
    }

    private onBadFrame(code: string, cause?: unknown): void {
        const { logger, link, envelope } = this.options;
        logger.error({ code, node: link.nodeKey.toString('hex') }, 'the node broke the protocol');
        link.cancel(envelope.context.requestId);
        this.abandon(new DispatchError('node_lost', 'the node sent something that no honest node sends', { cause }));
    }

    /** A receipt that is not on disk is not passed on, nor an answer whose cap is not: the gateway must not believe it is safe here. */
    private onStoreFailure(error: unknown): void {
        const { logger, link, envelope } = this.options;
        logger.error({ err: error }, 'a cap or a receipt could not be stored');
        link.cancel(envelope.context.requestId);
        this.abandon(new DispatchError('node_lost', 'the cap or a receipt could not be stored', { cause: error }));
    }

    /** The node has not begun and will not: what was reserved is free before the gateway hears of it. */
    private async giveBack(state: 'refused' | 'failed', error: DispatchError): Promise<void> {
        await this.close(state, error.nodeCode ?? error.code);
        this.finish(error);
    }

    private abandon(reason: DispatchError): void {
        if (this.finished) return;
        this.options.load.failed();
        this.finish(reason);
        void this.close('lost', reason.code).catch((error: unknown) =>
            this.options.logger.error({ err: error }, 'could not close a request'),
        );
    }

    private close(state: 'refused' | 'failed' | 'lost', failureCode: string): Promise<void> {
        const { ledger, envelope, clock } = this.options;
        return ledger.closeRequest(envelope.context.requestId, state, { failureCode, atMs: clock.nowMs() });
    }

    private finish(error: DispatchError | undefined): void {
        this.finished = true;
        clearTimeout(this.timer);
        this.options.link.release(this.options.envelope.context.requestId);
        this.options.observed?.end(error?.code ?? 'answered', this.firstFrameMs);
        if (error === undefined) this.options.output.end();
        else this.options.output.fail(error);
        this.settle();
    }
}
