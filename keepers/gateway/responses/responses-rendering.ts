import { EventStreamParser } from '../../base';
import { GatewayError } from '../errors';
import type { Rendering } from '../rendering';
import { type ChatDelta, Output } from './output';
import { type ResponsesFields } from './request-fields';
import { ResponseObject, type ResponseStatus } from './response-object';

interface Choice {
    index?: number;
    delta?: ChatDelta;
    message?: ChatDelta;
    logprobs?: { content?: unknown[] | null } | null;
    finish_reason?: string | null;
}

interface ChatAnswer {
    model?: string;
    choices?: Choice[];
    usage?: unknown;
}

const maxEventBytes = 8 * 1024 * 1024;
const incompleteReasons: Partial<Record<string, string>> = {
    length: 'max_output_tokens',
    content_filter: 'content_filter',
};

/** A chat's answer as a response, whole or in events. One for each answer. */
export class ResponsesRendering implements Rendering {
    private readonly events: Buffer[] = [];
    private sequence = 0;
    private usage: unknown = null;
    private finishReason: string | null = null;
    private readonly output: Output;
    private readonly response: ResponseObject;

    constructor(fields: ResponsesFields, identity: { requestId: string; nowMs: number; model: string }) {
        const { requestId, nowMs, model } = identity;
        const createdAtSec = Math.floor(nowMs / 1000);
        this.response = new ResponseObject(fields, { id: `resp_${requestId}`, createdAtSec, model });
        this.output = new Output(requestId, (type, event) => this.emit(type, event));
    }

    whole(body: Buffer): Buffer {
        this.accept(parseAnswer(body.toString('utf8')));
        this.output.close(this.itemStatus);
        return Buffer.from(JSON.stringify(this.outcome()));
    }

    async *stream(body: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
        const parser = new EventStreamParser(maxEventBytes, (message) => new GatewayError('node_failed', message));
        for (const type of ['response.created', 'response.in_progress'])
            this.emitResponse(type, this.shown('in_progress'));
        yield this.taken();
        for await (const bytes of body) {
            for (const event of parser.push(bytes)) this.acceptEvent(event.data);
            if (this.events.length > 0) yield this.taken();
        }
        for (const event of parser.finish()) this.acceptEvent(event.data);
        this.output.close(this.itemStatus);
        this.emitResponse(`response.${this.itemStatus}`, this.outcome());
        yield this.taken();
    }

    failure(error: GatewayError): Buffer {
        this.emit('error', error.toJSON());
        return this.taken();
    }

    private acceptEvent(data: string): void {
        if (data !== '' && data !== '[DONE]') this.accept(parseAnswer(data));
    }

    private accept(answer: ChatAnswer): void {
        this.usage = answer.usage ?? this.usage;
        const choice = answer.choices?.find(({ index }) => (index ?? 0) === 0);
        if (choice === undefined) return;
        this.finishReason = choice.finish_reason ?? this.finishReason;
        this.output.add(choice.delta ?? choice.message ?? {}, choice.logprobs?.content ?? []);
    }

    private get itemStatus(): 'completed' | 'incomplete' {
        return incompleteReasons[this.finishReason ?? ''] === undefined ? 'completed' : 'incomplete';
    }

    private outcome(): object {
        return this.shown(this.itemStatus, incompleteReasons[this.finishReason ?? '']);
    }

    private shown(status: ResponseStatus, incompleteReason?: string): object {
        return this.response.show({ status, incompleteReason, output: this.output.items, usage: this.usage });
    }

    private emitResponse(type: string, response: object): void {
        this.emit(type, { response });
    }

    private emit(type: string, fields: object): void {
        const event = { type, sequence_number: this.sequence++, ...fields };
        this.events.push(Buffer.from(`event: ${type}\ndata: ${JSON.stringify(event)}\n\n`));
    }

    private taken(): Buffer {
        return Buffer.concat(this.events.splice(0));
    }
}

function parseAnswer(text: string): ChatAnswer {
    try {
        const answer = JSON.parse(text) as unknown;
        if (typeof answer === 'object' && answer !== null) return answer;
    } catch {
        // The parser's own words quote the answer.
    }
    throw new GatewayError('node_failed', 'the engine answered with something that is no chat completion');
}
