import type { ServerResponse } from 'node:http';
import { startOpenAiServer } from '../keepers/node/engine/openai-server';

/** Counts that occur nowhere by chance, and no two of which can be mistaken for one another. */
export const countedUsage = {
    promptTokens: 104_729,
    cachedPromptTokens: 0,
    completionTokens: 104_743,
    reasoningTokens: 0,
};

interface Asked {
    model?: string;
    stream?: boolean;
    messages?: { content: string | null }[];
    prompt?: string;
    input?: string;
    tools?: unknown[];
}

const model = 'cocoon-quoting';

/**
 * An engine that quotes what it was asked wherever it can: in its answers, in tool calls, in the errors that it answers with
 * and in the garbage that it breaks off with. What it does is the first word of the request.
 */
export async function startQuotingEngine() {
    const server = await startOpenAiServer();
    server.behave((response, { path, body }) => {
        if (path.endsWith('/models')) {
            return answer(response, 200, {
                object: 'list',
                data: [{ id: model, object: 'model', max_model_len: 400_000 }],
            });
        }
        if (!path.startsWith('/v1/')) return answer(response, 404, {});
        serve(response, path, JSON.parse(body) as Asked);
    });
    return { baseUrl: server.baseUrl, stop: server.stop, model };
}

function serve(response: ServerResponse, path: string, asked: Asked): void {
    const text = asked.messages?.at(-1)?.content ?? asked.prompt ?? asked.input ?? '';
    const [act] = text.split(' ');
    const quoted = {
        error: { message: `cannot do: ${text}`, type: 'invalid_request_error', code: 'bad', param: text },
    };
    if (act === 'refuse') return answer(response, 400, quoted);
    if (act === 'fail') return answer(response, 500, quoted);
    if (act === 'garbage') return void response.writeHead(200, { 'content-type': 'application/json' }).end(`{"${text}`);
    if (act === 'break') return breakOff(response, text);
    if (path.endsWith('/embeddings')) return answer(response, 200, embedding());
    if (asked.stream) return stream(response, text);
    answer(response, 200, whole(path, text, asked.tools !== undefined, act === 'count'));
}

function answer(response: ServerResponse, status: number, value: object): void {
    response
        .writeHead(status, { 'content-type': 'application/json', 'x-said': 'by the engine' })
        .end(JSON.stringify(value));
}

function usageOf(counted: boolean) {
    const { promptTokens, completionTokens } = counted ? countedUsage : { promptTokens: 7, completionTokens: 5 };
    return {
        prompt_tokens: promptTokens,
        completion_tokens: completionTokens,
        total_tokens: promptTokens + completionTokens,
    };
}

function whole(path: string, text: string, tools: boolean, counted: boolean): object {
    const shared = { id: 'x', created: 1, model, usage: usageOf(counted) };
    if (path.endsWith('/chat/completions')) {
        const call = {
            id: 'call_1',
            type: 'function',
            function: { name: 'look', arguments: JSON.stringify({ at: text }) },
        };
        const message = { role: 'assistant', content: text, ...(tools && { tool_calls: [call] }) };
        const choice = { index: 0, message, finish_reason: tools ? 'tool_calls' : 'stop' };
        return { ...shared, object: 'chat.completion', choices: [choice] };
    }
    return { ...shared, object: 'text_completion', choices: [{ index: 0, text, finish_reason: 'stop' }] };
}

function embedding(): object {
    const usage = { prompt_tokens: 7, total_tokens: 7 };
    return { object: 'list', model, data: [{ object: 'embedding', index: 0, embedding: [0.25, -0.5] }], usage };
}

function chunkOf(content: string): string {
    const choices = [{ index: 0, delta: { content } }];
    return `data: ${JSON.stringify({ id: 'x', object: 'chat.completion.chunk', created: 1, model, choices })}\n\n`;
}

function stream(response: ServerResponse, text: string): void {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    for (const word of text.split(' ')) response.write(chunkOf(`${word} `));
    const last = { id: 'x', object: 'chat.completion.chunk', created: 1, model, choices: [], usage: usageOf(false) };
    response.end(`data: ${JSON.stringify(last)}\n\ndata: [DONE]\n\n`);
}

/** In mid-stream, with the prompt in an event that is none. */
function breakOff(response: ServerResponse, text: string): void {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.write(chunkOf(text));
    response.write(`data: {"error": {"message": "lost: ${text}`, () => response.destroy());
}
