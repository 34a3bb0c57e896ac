import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { benchModel, lastEvents, sayEvents, shapeOf, wholeAnswer } from '../engine-events';
import { serveRole } from '../serve-role';

/** The mock engine: an OpenAI-compatible server that says what the prompt asks for. */
const server = createServer((request, response) => void answer(request, response));

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
    if (request.method === 'GET') return json(response, { data: [{ id: benchModel, max_model_len: 32_768 }] });
    const shape = shapeOf(Buffer.concat(chunks));
    if (shape.events === 0) return json(response, wholeAnswer);
    response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-cache' });
    const saying = sayEvents(
        shape,
        (event) => response.write(event),
        () => response.end(lastEvents(shape.events)),
    );
    response.once('close', () => saying.stop());
}

function json(response: ServerResponse, body: object | Buffer): void {
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end(Buffer.isBuffer(body) ? body : JSON.stringify(body));
}

serveRole({
    start: async () => {
        await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', 4_096, resolve));
        return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
    },
});
