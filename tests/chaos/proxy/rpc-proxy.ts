import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { Agent, request } from 'undici';
import { Dice } from '../dice';
import { PastAnswers } from './past-answers';
import { distortList, isSend, isSendLie, type RpcCall, type RpcLie, type RpcReply } from './rpc-lies';

export interface Lying {
    lie: RpcLie;
    /** Of the calls that it can concern. */
    share: number;
    /** Of `stale` and `late`. */
    lagMs: number;
}

/** One keeper's endpoint: passes on what the chain says, until it is told to lie. */
export class RpcProxy {
    private readonly past = new PastAnswers();
    private readonly agent = new Agent({ connections: 64 });
    private readonly dice: Dice;
    /** Several at once: an endpoint can be slow, stale and overloaded together. */
    private readonly lying = new Set<Lying>();
    private readonly held = new Set<ServerResponse>();
    lies = 0;

    private constructor(
        private readonly server: Server,
        private readonly target: URL,
        seed: number,
    ) {
        this.dice = new Dice(seed);
    }

    static async start(targetUrl: string, seed: number): Promise<RpcProxy> {
        const server = createServer();
        server.listen({ host: '127.0.0.1', port: 0 });
        await once(server, 'listening');
        const proxy = new RpcProxy(server, new URL(targetUrl), seed);
        server.on('request', (incoming: IncomingMessage, response: ServerResponse) => {
            void proxy.serve(incoming, response).catch(() => response.destroy());
        });
        return proxy;
    }

    get url(): string {
        return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}${this.target.pathname}`;
    }

    /** Gives how to make it honest again in this respect. */
    begin(lying: Lying): () => void {
        this.lying.add(lying);
        return () => {
            this.lying.delete(lying);
            if (lying.lie === 'timeout' || lying.lie === 'send-unanswered') this.letGo();
        };
    }

    async close(): Promise<void> {
        this.letGo();
        this.server.closeAllConnections();
        this.server.close();
        await this.agent.destroy();
    }

    private letGo(): void {
        for (const response of this.held) response.destroy();
        this.held.clear();
    }

    private async serve(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
        const body = await bodyOf(incoming);
        const call = JSON.parse(body) as RpcCall;
        const lying = [...this.lying].find(({ lie, share }) => concerns(lie, call) && this.dice.chance(share));
        if (lying === undefined) return answer(response, await this.forward(body, call));
        this.lies += 1;
        await this.tellLie(lying, { body, call, response });
    }

    private async forward(body: string, call: RpcCall): Promise<RpcReply> {
        const { statusCode, body: answered } = await request(this.target, {
            method: 'POST',
            headers: { 'content-type': 'application/json' },
            body,
            dispatcher: this.agent,
        });
        const reply = { status: statusCode, body: await answered.text() };
        if (!isSend(call)) this.past.keep(call, reply);
        return reply;
    }

    private async tellLie({ lie, lagMs }: Lying, question: Question): Promise<void> {
        const { body, call, response } = question;
        switch (lie) {
            case 'stale':
                return answer(response, this.past.before(call, lagMs) ?? (await this.forward(body, call)));
            case 'late':
                await sleep(lagMs);
                return answer(response, await this.forward(body, call));
            case 'error-500':
                return answer(response, failure(500, 'LITE_SERVER_UNKNOWN: cannot load block'));
            case 'rate-limited':
                return answer(response, failure(429, 'Ratelimit exceed'));
            case 'garbage':
                return answer(response, { status: 200, body: '<html>upstream connect error</html>' });
            case 'timeout':
                return void this.held.add(response);
            case 'cut-body':
                return cut(response, await this.forward(body, call));
            case 'send-dropped':
                return answer(response, { status: 200, body: '{"ok":true,"result":{"@type":"ok"}}' });
            case 'send-doubled':
                await this.forward(body, call);
                return answer(response, await this.forward(body, call));
            case 'send-unanswered':
                await this.forward(body, call);
                return void this.held.add(response);
            default:
                return answer(response, distortList(lie, await this.forward(body, call), this.dice));
        }
    }
}

interface Question {
    body: string;
    call: RpcCall;
    response: ServerResponse;
}

const listLies: readonly RpcLie[] = ['reordered', 'duplicated', 'missing'];

function concerns(lie: RpcLie, call: RpcCall): boolean {
    if (isSendLie(lie)) return isSend(call);
    if (listLies.includes(lie)) return call.method === 'getTransactions';
    return lie !== 'stale' || !isSend(call);
}

function failure(status: number, error: string): RpcReply {
    return { status, body: JSON.stringify({ ok: false, error, code: status }) };
}

function answer(response: ServerResponse, { status, body }: RpcReply): void {
    response.writeHead(status, { 'content-type': 'application/json' }).end(body);
}

function cut(response: ServerResponse, { status, body }: RpcReply): void {
    response.writeHead(status, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) });
    response.write(body.slice(0, Math.floor(body.length / 2)), () => response.destroy());
}

async function bodyOf(incoming: IncomingMessage): Promise<string> {
    const parts: Buffer[] = [];
    for await (const part of incoming) parts.push(part as Buffer);
    return Buffer.concat(parts).toString('utf8');
}
