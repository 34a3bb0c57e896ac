import { createServer, IncomingMessage, ServerResponse } from 'node:http';
import { AddressInfo } from 'node:net';

export interface SeenRequest {
    path: string;
    headers: IncomingMessage['headers'];
    body: string;
    /** Resolves when the engine's side of the exchange is gone. */
    closed: Promise<void>;
}

export type Behaviour = (response: ServerResponse, request: SeenRequest) => void | Promise<void>;

/** A local HTTP server in the engine's place; each test says how it behaves. */
export async function startOpenAiServer() {
    const seen: SeenRequest[] = [];
    let behaviour: Behaviour = (response) => void response.writeHead(500).end();
    const server = createServer((request, response) => {
        void readBody(request).then((body) => {
            const closed = new Promise<void>((resolve) => response.once('close', resolve));
            const entry = { path: request.url ?? '', headers: request.headers, body, closed };
            seen.push(entry);
            return behaviour(response, entry);
        });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return {
        baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
        seen,
        behave: (next: Behaviour) => (behaviour = next),
        stop: () => {
            server.closeAllConnections();
            return new Promise<void>((resolve) => server.close(() => resolve()));
        },
    };
}

async function readBody(request: IncomingMessage): Promise<string> {
    const parts: Buffer[] = [];
    for await (const part of request) parts.push(part as Buffer);
    return Buffer.concat(parts).toString('utf8');
}

export const json =
    (status: number, value: unknown): Behaviour =>
    (response) =>
        void response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value));

/** Writes the text in pieces of the given sizes, over and over, each as a packet of its own. */
export const stream =
    (text: string, pieceSizes: number[] = [text.length]): Behaviour =>
    async (response) => {
        response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8' });
        const bytes = Buffer.from(text);
        for (let at = 0, turn = 0; at < bytes.length; turn++) {
            const size = pieceSizes[turn % pieceSizes.length] ?? 1;
            await new Promise((resolve) => response.write(bytes.subarray(at, at + size), resolve));
            await new Promise((resolve) => setImmediate(resolve));
            at += size;
        }
        response.end();
    };
