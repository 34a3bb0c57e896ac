import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createSimulatedTee } from '../../../keepers/devnet/simulated-tee';

export interface AgentCall {
    route: string;
    body: Record<string, unknown>;
}

export type Answer = (call: AgentCall, response: ServerResponse) => void | Promise<void>;

/** What a real agent answers, with quotes of a development root: the documented API on a unix socket. */
export async function startGuestAgent(pkiSeed = Buffer.alloc(32, 3)) {
    const folder = mkdtempSync(path.join(tmpdir(), 'cocoon-dstack-'));
    const socketPath = path.join(folder, 'dstack.sock');
    const tee = createSimulatedTee({ pkiSeed, platform: 1, now: new Date() });
    const calls: AgentCall[] = [];
    const genuine: Answer = async ({ route, body }, response) => {
        if (route === '/GetQuote') {
            const reportData = Buffer.alloc(64);
            Buffer.from(body['report_data'] as string, 'hex').copy(reportData);
            const quote = (await tee.quote(reportData)).toString('hex');
            return send(response, { quote, event_log: '[]', report_data: body['report_data'], vm_config: '{}' });
        }
        if (route === '/GetKey') {
            const key = createHash('sha256')
                .update(`application key ${String(body['path'])}`)
                .digest('hex');
            return send(response, { key, signature_chain: ['00', '01'] });
        }
        send(response, { error: `no method ${route}` }, 400);
    };
    let answer = genuine;
    const server = createServer((request, response) => {
        const parts: Buffer[] = [];
        request.on('data', (part: Buffer) => parts.push(part));
        request.on('end', () => {
            const body = JSON.parse(Buffer.concat(parts).toString('utf8')) as Record<string, unknown>;
            const call = { route: request.url ?? '', body };
            calls.push(call);
            void answer(call, response);
        });
    });
    await new Promise<void>((resolve) => server.listen(socketPath, resolve));
    return {
        socketPath,
        tee,
        calls,
        answerWith: (next: Answer) => (answer = next),
        stop: async () => {
            server.closeAllConnections();
            await new Promise<void>((resolve) => server.close(() => resolve()));
            rmSync(folder, { recursive: true, force: true });
        },
    };
}

export function send(response: ServerResponse, value: unknown, status = 200): void {
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value));
}
