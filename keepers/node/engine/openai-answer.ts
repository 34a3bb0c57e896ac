import { randomBytes } from 'node:crypto';
import { EngineUsage } from './engine';
import { GenerationRequest } from './generation-request';
import { formatUsage } from './usage';

export interface FinishedChoice {
    text: string;
    finishReason: 'stop' | 'length';
}

const DONE = Buffer.from('data: [DONE]\n\n');

/** Spells one answer the way OpenAI does, for chat or plain completion, whole or in server-sent events. */
export class OpenAiAnswer {
    private readonly identity: { id: string; created: number; model: string };
    private readonly chat: boolean;

    constructor(
        private readonly request: GenerationRequest,
        nowMs: number,
    ) {
        this.chat = request.kind === 'chat';
        const id = `${this.chat ? 'chatcmpl' : 'cmpl'}-${randomBytes(12).toString('hex')}`;
        this.identity = { id, created: Math.floor(nowMs / 1000), model: request.model };
    }

    whole(choices: readonly FinishedChoice[], usage: EngineUsage): Buffer {
        const object = this.chat ? 'chat.completion' : 'text_completion';
        const spelled = choices.map(({ text, finishReason }, index) => ({
            index,
            ...(this.chat ? { message: { role: 'assistant', content: text, refusal: null } } : { text }),
            logprobs: null,
            finish_reason: finishReason,
        }));
        return Buffer.from(JSON.stringify({ object, ...this.identity, choices: spelled, usage: formatUsage(usage) }));
    }

    /** Chat streams begin every choice by naming the role; plain completions have no such event. */
    opening(index: number): Buffer {
        return this.chat ? this.event(index, { role: 'assistant', content: '' }, null) : Buffer.alloc(0);
    }

    text(index: number, text: string): Buffer {
        return this.event(index, { content: text }, null);
    }

    closing(index: number, finishReason: FinishedChoice['finishReason']): Buffer {
        return this.event(index, {}, finishReason);
    }

    ending(usage: EngineUsage): Buffer {
        if (!this.request.includeUsage) return DONE;
        return Buffer.concat([this.encode([], formatUsage(usage)), DONE]);
    }

    private event(index: number, delta: { role?: string; content?: string }, finishReason: string | null): Buffer {
        const body = this.chat ? { delta } : { text: delta.content ?? '' };
        return this.encode([{ index, ...body, logprobs: null, finish_reason: finishReason }], null);
    }

    /** Where usage was asked for, every event has the field; it is null until the last. */
    private encode(choices: unknown[], usage: unknown): Buffer {
        const object = this.chat ? 'chat.completion.chunk' : 'text_completion';
        const event = { object, ...this.identity, choices, ...(this.request.includeUsage ? { usage } : {}) };
        return Buffer.from(`data: ${JSON.stringify(event)}\n\n`);
    }
}
