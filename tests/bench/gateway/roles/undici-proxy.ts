import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Pool } from 'undici';
import { serveRole } from '../serve-role';

/** The bare proxy that everything is held against: node:http in front, undici behind, bytes as they come. */
let pool: Pool;

const server = createServer((request, response) => void forward(request, response));

async function forward(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
        const answer = await pool.request({
            method: request.method as 'POST',
            path: request.url!,
            headers: { 'content-type': request.headers['content-type'] ?? 'application/json' },
            body: request,
        });
        response.writeHead(answer.statusCode, { 'content-type': answer.headers['content-type'] as string });
        answer.body.on('data', (chunk: Buffer) => response.write(chunk));
        answer.body.once('end', () => response.end());
        answer.body.once('error', () => response.destroy());
        response.once('close', () => answer.body.destroy());
    } catch {
        response.destroy();
    }
}

serveRole({
    start: async ({ upstreamUrl }: { upstreamUrl: string }) => {
        pool = new Pool(upstreamUrl, { connections: 4_096, headersTimeout: 0, bodyTimeout: 0 });
        await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', 4_096, resolve));
        return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
    },
});
