import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { Pool } from 'undici';
import { serveRole } from '../serve-role';
import { readTls } from '../tls-files';

/** The bare proxy that everything is held against: node:http in front, undici behind, bytes as they come. */
let pool: Pool;

const onRequest = (request: IncomingMessage, response: ServerResponse) => void forward(request, response);

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

function secureServer() {
    const { certificate, key } = readTls();
    return createTlsServer({ cert: certificate, key }, onRequest);
}

serveRole({
    start: async ({ upstreamUrl, tls = false }: { upstreamUrl: string; tls?: boolean }) => {
        const server = tls ? secureServer() : createServer(onRequest);
        pool = new Pool(upstreamUrl, { connections: 4_096, headersTimeout: 0, bodyTimeout: 0 });
        await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', 4_096, resolve));
        const { port } = server.address() as AddressInfo;
        return { url: tls ? `https://localhost:${port}` : `http://127.0.0.1:${port}` };
    },
});
