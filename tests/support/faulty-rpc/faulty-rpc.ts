import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { request } from 'undici';
import { type ChooseFault, type Fault, isSend, lies, methodOf, sendFaults } from './faults';
import { lieV2 } from './lies-v2';
import { lieV4 } from './lies-v4';

export interface FaultyRpcOptions {
    /** Base URL of the endpoint that is told the truth, such as a devnet's `url`. */
    upstream: string;
    choose?: ChooseFault;
    /** 0: any free port. */
    port?: number;
    /** Of a huge body; the default is above what any client should read. */
    hugeBytes?: number;
    /** Of a late answer. */
    lateMs?: number;
}

interface Passed {
    status: number;
    text: string;
}

/** Of each request the oldest answers are kept for lying with. */
const keptAnswers = 8;
const keptRequests = 5_000;

/** A proxy in front of an honest endpoint (both APIs of the devnet) that fails and lies on demand. */
export class FaultyRpc {
    /** How often each fault happened. */
    readonly counts = new Map<Fault, number>();
    /** Methods asked for, in order. */
    readonly methods: string[] = [];
    private readonly recorded = new Map<string, Passed[]>();
    private choose: ChooseFault;

    private constructor(
        private readonly server: Server,
        private readonly options: FaultyRpcOptions,
    ) {
        this.choose = options.choose ?? (() => null);
        server.on('request', (incoming: IncomingMessage, reply: ServerResponse) => {
            void this.serve(incoming, reply).catch(() => reply.destroy());
        });
    }

    static async start(options: FaultyRpcOptions): Promise<FaultyRpc> {
        const server = createServer();
        const rpc = new FaultyRpc(server, options);
        await new Promise<void>((resolve) => server.listen(options.port ?? 0, '127.0.0.1', resolve));
        return rpc;
    }

    get url(): string {
        return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
    }

    /** Its toncenter v2 JSON-RPC. */
    get endpoint(): string {
        return `${this.url}/api/v2/jsonRPC`;
    }

    /** Its API of TonClient4. */
    get endpointV4(): string {
        return `${this.url}/v4`;
    }

    /** From now on; `() => null` heals it. */
    fail(choose: ChooseFault): void {
        this.choose = choose;
    }

    heal(): void {
        this.choose = () => null;
    }

    close(): Promise<void> {
        this.server.closeAllConnections();
        return new Promise((resolve) => this.server.close(() => resolve()));
    }

    private async serve(incoming: IncomingMessage, reply: ServerResponse): Promise<void> {
        const body = await readBody(incoming);
        const url = incoming.url ?? '/';
        const method = methodOf(url, body);
        this.methods.push(method);
        const chosen = this.choose({ method, url, body });
        const fault = chosen !== null && sendFaults.includes(chosen) && !isSend(method) ? null : chosen;
        if (fault !== null) this.counts.set(fault, (this.counts.get(fault) ?? 0) + 1);
        if (fault !== null && this.failWithoutAsking(fault, reply)) return;
        if (fault === 'late') await sleep(this.options.lateMs ?? 1_500);
        const truth = await this.pass(incoming, url, body);
        if (fault === 'send-unanswered') return;
        if (fault === 'send-doubled') await this.pass(incoming, url, body);
        const told = fault === null ? truth : this.distort(fault, { method, key: `${url} ${body}`, truth });
        reply.writeHead(told.status, { 'content-type': 'application/json' });
        if (fault === 'truncated') reply.end(told.text.slice(0, Math.floor(told.text.length / 2)));
        else reply.end(told.text);
    }

    /** True where the answer needs no truth. */
    private failWithoutAsking(fault: Fault, reply: ServerResponse): boolean {
        switch (fault) {
            case 'status-500':
                reply.writeHead(500).end('{"ok":false,"error":"internal","code":500}');
                return true;
            case 'status-429':
                reply.writeHead(429, { 'retry-after': '1' }).end('{"ok":false,"error":"Ratelimit exceed","code":429}');
                return true;
            case 'html':
                reply.writeHead(200, { 'content-type': 'text/html' }).end('<html><body>Just a moment...</body></html>');
                return true;
            case 'silence':
                return true;
            case 'send-dropped':
                reply.writeHead(200, { 'content-type': 'application/json' });
                reply.end('{"ok":true,"result":{"@type":"ok"},"status":1}');
                return true;
            case 'reset':
                reply.destroy();
                return true;
            case 'huge-body':
                reply.writeHead(200, { 'content-type': 'application/json' });
                reply.end(`{"ok":true,"result":"${'x'.repeat(this.options.hugeBytes ?? 64 * 1024 * 1024)}"}`);
                return true;
            case 'slow-loris':
                dripBytes(reply);
                return true;
            default:
                return false;
        }
    }

    private async pass(incoming: IncomingMessage, url: string, body: string): Promise<Passed> {
        const method = incoming.method === 'POST' ? 'POST' : 'GET';
        const headers = { 'content-type': incoming.headers['content-type'] ?? 'application/json' };
        const answer = await request(new URL(url, this.options.upstream), {
            method,
            ...(method === 'POST' ? { headers, body } : {}),
        });
        const passed = { status: answer.statusCode, text: await answer.body.text() };
        if (passed.status === 200) this.record(`${url} ${body}`, passed);
        return passed;
    }

    private record(key: string, passed: Passed): void {
        const known = this.recorded.get(key) ?? [];
        if (known.length >= keptAnswers) return;
        this.recorded.set(key, [...known, passed]);
        if (this.recorded.size > keptRequests) this.recorded.delete(this.recorded.keys().next().value!);
    }

    private distort(fault: Fault, told: { method: string; key: string; truth: Passed }): Passed {
        const { method, key, truth } = told;
        if (fault === 'stale') return this.recorded.get(key)?.[0] ?? truth;
        if (truth.status !== 200) return truth;
        if (!lies.includes(fault) && !fault.startsWith('unknown-')) return truth;
        const answer = JSON.parse(truth.text) as Record<string, unknown>;
        const lie = method.startsWith('v4:') ? lieV4 : lieV2;
        return { status: 200, text: JSON.stringify(lie(fault, method, answer)) };
    }
}

async function readBody(incoming: IncomingMessage): Promise<string> {
    const parts: Buffer[] = [];
    for await (const part of incoming) parts.push(part as Buffer);
    return Buffer.concat(parts).toString();
}

/** A byte now and then, for ever: only a deadline over the whole answer ends it. */
function dripBytes(reply: ServerResponse): void {
    reply.writeHead(200, { 'content-type': 'application/json' });
    const timer = setInterval(() => reply.write(' '), 20);
    reply.on('close', () => clearInterval(timer));
}
