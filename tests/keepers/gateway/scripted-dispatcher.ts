import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
    AnswerSealer,
    bindingOfEnvelope,
    costNano,
    parseEnvelope,
    type ParsedEnvelope,
    type TokenUsage,
    withLiveCap,
} from '../../../keepers/confidential';
import { modelIndex } from '../confidential/exchange';
import { usage } from '../dispatch/sealed-request';
import type { TestNode } from './trusted-nodes';

export type Handler = (envelope: ParsedEnvelope, response: ServerResponse) => Promise<void> | void;

/** A dispatcher's HTTP side that does what the test has it do. */
export class ScriptedDispatcher {
    readonly asked: ParsedEnvelope[] = [];
    /** By node id in hex. */
    readonly handlers = new Map<string, Handler>();
    readonly states = new Map<string, object>();
    url = '';
    private readonly server = createServer((request, response) => void this.serve(request, response));

    static async start(): Promise<ScriptedDispatcher> {
        const dispatcher = new ScriptedDispatcher();
        await dispatcher.listen(0);
        dispatcher.url = `http://127.0.0.1:${(dispatcher.server.address() as AddressInfo).port}`;
        return dispatcher;
    }

    /** Also after `stop`: it is back then. */
    async listen(port: number): Promise<void> {
        await new Promise<void>((resolve) => this.server.listen(port, '127.0.0.1', resolve));
    }

    stop(): Promise<void> {
        this.server.closeAllConnections();
        return new Promise((resolve) => this.server.close(() => resolve()));
    }

    private async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
        if (request.method === 'GET') {
            const state = this.states.get(request.url!.split('?')[0]!.split('/').at(-1)!) ?? { state: 'unknown' };
            response.setHeader('content-type', 'application/json');
            return void response.end(JSON.stringify(state));
        }
        const chunks: Buffer[] = [];
        for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
        const envelope = parseEnvelope(Buffer.concat(chunks));
        this.asked.push(envelope);
        await this.handlers.get(envelope.context.nodeKey.toString('hex'))?.(envelope, response);
    }
}

export function refusing(status: number, code: string, extra: object = {}): Handler {
    return (_envelope, response) => {
        response.writeHead(status, { 'content-type': 'application/json' });
        response.end(JSON.stringify({ error: { code, message: `it is ${code}`, ...extra } }));
    };
}

/** Opens the request as the node does; the sealer's receipts may rest on any cap. */
export async function sealerFor(node: TestNode, envelope: ParsedEnvelope): Promise<AnswerSealer> {
    const { cek } = await node.keyring.open(envelope);
    const to = withLiveCap(bindingOfEnvelope(envelope), () => 1n << 90n);
    return new AnswerSealer({ to, cek, modelIndex, signer: node.signer });
}

export function finalFrame(
    node: TestNode,
    sealer: AnswerSealer,
    options: { sequence?: number; used?: TokenUsage } = {},
) {
    const { sequence = 1, used = usage } = options;
    const nano = costNano(node.offer.models[modelIndex]!, used);
    return sealer.final(used, { sequence, costNano: nano, cumulativeNano: BigInt(sequence) * nano });
}

/** Answers each request whole, with rising sequences. */
export function answering(node: TestNode, text = '{"ok":true}'): Handler {
    let sequence = 0;
    return async (envelope, response) => {
        const sealer = await sealerFor(node, envelope);
        response.write(sealer.start());
        response.write(sealer.head({ status: 200, headers: { 'content-type': 'application/json' } }));
        response.write(sealer.body(Buffer.from(text)));
        response.end(finalFrame(node, sealer, { sequence: ++sequence }).wire);
    };
}
