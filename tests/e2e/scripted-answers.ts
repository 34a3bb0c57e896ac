import type { Behaviour } from '../keepers/node/engine/openai-server';
import { scriptedModel } from './scripted-upstream';

export const usage = {
    prompt_tokens: 12,
    completion_tokens: 5,
    total_tokens: 17,
    prompt_tokens_details: { cached_tokens: 4 },
    completion_tokens_details: { reasoning_tokens: 2 },
};

interface ScriptedChoice {
    message: Record<string, unknown>;
    finishReason?: string;
    logprobs?: unknown;
}

const identity = { id: 'chatcmpl-1', created: 1_790_000_000, model: scriptedModel };

/** Answers a chat as vLLM does, whole or streamed as asked: content and arguments in pieces of a few characters. */
export function chatAnswer(...choices: ScriptedChoice[]): Behaviour {
    return (response, { body }) => {
        const asked = JSON.parse(body) as { stream?: boolean };
        if (asked.stream === true) {
            response.writeHead(200, { 'content-type': 'text/event-stream' });
            response.end([...choices.flatMap(chunksOf), usageChunk].map(event).join('') + 'data: [DONE]\n\n');
            return;
        }
        const spelled = choices.map(({ message, finishReason = 'stop', logprobs = null }, index) => ({
            index,
            message: { role: 'assistant', content: null, ...message },
            logprobs,
            finish_reason: finishReason,
        }));
        response.writeHead(200, { 'content-type': 'application/json' });
        response.end(JSON.stringify({ ...identity, object: 'chat.completion', choices: spelled, usage }));
    };
}

export const says = (content: string, more: Omit<ScriptedChoice, 'message'> = {}) =>
    chatAnswer({ message: { content }, ...more });

const usageChunk = { ...identity, object: 'chat.completion.chunk', choices: [], usage };
const event = (chunk: object) => `data: ${JSON.stringify(chunk)}\n\n`;

function chunksOf({ message, finishReason = 'stop', logprobs }: ScriptedChoice, index: number): object[] {
    const {
        content,
        reasoning_content: reasoning,
        tool_calls: calls,
    } = message as {
        content?: string;
        reasoning_content?: string;
        tool_calls?: { id: string; function: { name: string; arguments: string } }[];
    };
    const deltas: object[] = [
        { role: 'assistant', content: '' },
        ...pieces(reasoning).map((piece) => ({ reasoning_content: piece })),
        ...pieces(content).map((piece) => ({ content: piece })),
        ...(calls ?? []).flatMap(({ id, function: { name, arguments: text } }, call) => [
            { tool_calls: [{ index: call, id, type: 'function', function: { name, arguments: '' } }] },
            ...pieces(text).map((piece) => ({ tool_calls: [{ index: call, function: { arguments: piece } }] })),
        ]),
    ];
    const spelled = deltas.map((delta, at) => ({
        index,
        delta,
        logprobs: at === 1 ? logprobs : null,
        finish_reason: null,
    }));
    return [...spelled, { index, delta: {}, logprobs: null, finish_reason: finishReason }].map((choice) => ({
        ...identity,
        object: 'chat.completion.chunk',
        choices: [choice],
    }));
}

function pieces(text = ''): string[] {
    return text.match(/[^]{1,4}/g) ?? [];
}

export const weatherCall = {
    id: 'call_1',
    type: 'function',
    function: { name: 'weather', arguments: '{"city":"Basel"}' },
};
