import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';

export const chaosModel = 'chaos-1b';

const askedSchema = z.looseObject({
    stream: z.boolean().default(false),
    max_tokens: z.int().default(16),
    /** Milliseconds a token; what an engine does not know it passes over. */
    seed: z.int().default(0),
});

/**
 * Counts words up to `max_tokens`, `seed` milliseconds apart: load without a model, so that a storm on a small machine is
 * about the keepers.
 */
export class CountingEngine {
    private constructor(private readonly server: Server) {}

    static async start(): Promise<CountingEngine> {
        const server = createServer((incoming, response) => {
            serve(incoming, response).catch(() => response.destroy());
        });
        server.listen({ host: '127.0.0.1', port: 0 });
        await once(server, 'listening');
        return new CountingEngine(server);
    }

    get url(): string {
        return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
    }

    close(): void {
        this.server.closeAllConnections();
        this.server.close();
    }
}

async function serve(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const parts: Buffer[] = [];
    for await (const part of incoming) parts.push(part as Buffer);
    if (incoming.url?.endsWith('/models')) return json(response, 200, modelList);
    if (incoming.url !== '/v1/chat/completions') return json(response, 404, { error: { message: 'not here' } });
    const { stream, max_tokens: tokens, seed: paceMs } = askedSchema.parse(JSON.parse(Buffer.concat(parts).toString()));
    if (stream) return streamed(response, tokens, paceMs);
    await sleep(tokens * paceMs);
    const message = { role: 'assistant', content: Array.from({ length: tokens }, (_, i) => `${i}`).join(' ') };
    const choices = [{ index: 0, message, finish_reason: 'length' }];
    json(response, 200, { ...identity, object: 'chat.completion', choices, usage: usageOf(tokens) });
}

async function streamed(response: ServerResponse, tokens: number, paceMs: number): Promise<void> {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    for (let token = 0; token < tokens && !response.destroyed; token++) {
        event(response, { choices: [{ index: 0, delta: { content: `${token} ` }, finish_reason: null }] });
        await sleep(paceMs);
    }
    event(response, { choices: [{ index: 0, delta: {}, finish_reason: 'length' }] });
    event(response, { choices: [], usage: usageOf(tokens) });
    response.end('data: [DONE]\n\n');
}

const identity = { id: 'chatcmpl-chaos', created: 1_790_000_000, model: chaosModel };
const modelList = { object: 'list', data: [{ id: chaosModel, object: 'model', max_model_len: 32_768 }] };

function usageOf(tokens: number) {
    return { prompt_tokens: 8, completion_tokens: tokens, total_tokens: 8 + tokens };
}

function event(response: ServerResponse, chunk: object): void {
    response.write(`data: ${JSON.stringify({ ...identity, object: 'chat.completion.chunk', ...chunk })}\n\n`);
}

function json(response: ServerResponse, status: number, value: object): void {
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value));
}
