import { type Logger } from '../base';
import {
    type AnswerEvent,
    type AnswerOpener,
    type AnswerReceipt,
    ConfidentialError,
    type TokenUsage,
} from '../confidential';
import { GatewayError } from './errors';
import type { AnswerFrames } from './frame-queue';

/** What remains when an answer is whole and its receipt is kept. */
export interface SettledAnswer {
    costNano: bigint;
    usage: TokenUsage;
    /** x-cocoon-… headers for an answer whose status is not yet sent */
    headers: Record<string, string>;
}

export type FinalEvent = Extract<AnswerEvent, { type: 'final' }>;

export interface AnswerOptions {
    requestId: string;
    nodeId: string;
    streaming: boolean;
    opener: AnswerOpener;
    frames: AnswerFrames;
    /** Keeps the final receipt; throws when it does not fit what was known. */
    onFinal: (event: FinalEvent) => Promise<void>;
    /** The node asks for the next window of its cap, having signed for this much. */
    onWindow?: (signedNano: bigint) => void;
    /** The stream ended without a final receipt, for this reason. */
    onBroken: (error: GatewayError, lastReceipt: AnswerReceipt | undefined) => Promise<void>;
    /** No more is read of it, whether it is whole or not. */
    onOver?: () => void;
    logger: Logger;
}

const maxWholeBytes = 64 * 1024 * 1024;

/** A sealed answer being opened. `settled` resolves once the final receipt proved it whole, and rejects otherwise. */
export class Answer {
    status = 200;
    headers: Record<string, string> = {};
    readonly settled: Promise<SettledAnswer>;
    private resolveSettled!: (settled: SettledAnswer) => void;
    private rejectSettled!: (error: GatewayError) => void;
    private readonly events: AsyncGenerator<AnswerEvent>;

    constructor(private readonly options: AnswerOptions) {
        this.settled = new Promise((resolve, reject) => {
            this.resolveSettled = resolve;
            this.rejectSettled = reject;
        });
        // Whoever delivers the answer awaits it; until then a rejection is no unhandled one.
        this.settled.catch(() => undefined);
        this.events = this.readEvents();
    }

    get requestId(): string {
        return this.options.requestId;
    }

    get nodeId(): string {
        return this.options.nodeId;
    }

    get streaming(): boolean {
        return this.options.streaming;
    }

    /** Reads up to the engine's status. @throws GatewayError when the engine or the node failed before it */
    async begin(): Promise<void> {
        for (;;) {
            const next = await this.events.next();
            if (next.done === true)
                throw new GatewayError('answer_truncated', 'the node ended the answer before it began');
            const event = next.value;
            if (event.type === 'head') {
                this.status = event.status;
                this.headers = event.headers;
                return;
            }
            if (event.type === 'error') throw await this.failure(event);
        }
    }

    /** The body as it comes. @throws GatewayError when it is not whole */
    get body(): AsyncIterable<Buffer> {
        return this.readBody();
    }

    async wholeBody(): Promise<Buffer> {
        const chunks: Buffer[] = [];
        let bytes = 0;
        for await (const chunk of this.body) {
            bytes += chunk.length;
            if (bytes > maxWholeBytes)
                throw new GatewayError('answer_invalid', 'the answer is larger than any answer may be');
            chunks.push(chunk);
        }
        return Buffer.concat(chunks);
    }

    private async *readBody(): AsyncGenerator<Buffer> {
        for await (const event of this.events) {
            if (event.type === 'body') yield event.data;
            if (event.type === 'error') throw await this.failure(event);
        }
    }

    /** The engine failed; the final receipt of what was delivered still follows. */
    private async failure(event: Extract<AnswerEvent, { type: 'error' }>): Promise<GatewayError> {
        for await (const rest of this.events) if (rest.type === 'error') break;
        // The caller did not cancel, or nobody would read this: the deadline did.
        if (event.code === 'cancelled')
            return new GatewayError('request_timeout', 'the answer was not whole before its deadline');
        return new EngineFailure(event.status, event.code, event.message, event.param);
    }

    private async *readEvents(): AsyncGenerator<AnswerEvent> {
        const { opener, frames } = this.options;
        let finished = false;
        try {
            for await (const chunk of frames) {
                for (const event of opener.push(chunk)) {
                    if (event.type === 'final') {
                        await this.finish(event);
                        finished = true;
                    } else if (event.type === 'window') this.options.onWindow?.(opener.receipt?.receipt.costNano ?? 0n);
                    else yield event;
                }
                if (opener.failure !== undefined) throw opener.failure;
            }
            opener.end();
        } catch (error) {
            throw await this.breakOff(error, finished);
        } finally {
            // Also when the reader stopped early: the dispatcher sees the cut and cancels the engine.
            frames.destroy();
            this.options.onOver?.();
            if (!finished)
                await this.breakOff(new GatewayError('answer_truncated', 'the answer was not read to its end'), false);
        }
    }

    private async finish(event: FinalEvent): Promise<void> {
        await this.options.onFinal(event);
        const costNano = event.receipt.receipt.costNano;
        const headers = {
            'x-cocoon-node': this.nodeId,
            'x-cocoon-cost-nanoton': costNano.toString(),
            'x-cocoon-receipt': this.requestId,
        };
        this.resolveSettled({ costNano, usage: event.usage, headers });
    }

    private broken: GatewayError | undefined;

    private async breakOff(error: unknown, finished: boolean): Promise<GatewayError> {
        if (this.broken !== undefined) return this.broken;
        const failure = asGatewayError(error);
        if (finished) return failure;
        this.broken = failure;
        this.rejectSettled(failure);
        await this.options.onBroken(failure, this.options.opener.receipt);
        return failure;
    }
}

/** The engine's own error, delivered inside the seal: status and code are the engine's. */
export class EngineFailure extends GatewayError {
    override readonly status: number;

    constructor(
        status: number,
        readonly engineCode: string,
        message: string,
        param?: string,
    ) {
        super(status < 500 ? 'invalid_request' : 'node_failed', message, { param });
        this.status = status;
    }

    override toJSON() {
        const json = super.toJSON();
        return { error: { ...json.error, code: this.engineCode } };
    }
}

function asGatewayError(error: unknown): GatewayError {
    if (error instanceof GatewayError) return error;
    if (error instanceof ConfidentialError && error.code !== 'answer_truncated') {
        return new GatewayError('answer_invalid', `the node's answer is not what it should be: ${error.message}`, {
            cause: error,
        });
    }
    return new GatewayError(
        'answer_truncated',
        'the answer broke off before its end; nothing beyond the last receipt is owed',
        { cause: error },
    );
}
