import { createHash, randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { Wallet } from 'ethers';
import { createGpu, createGpuPki, type DevelopmentPki, mintGpuDocument } from '../../../../keepers/attestation';
import { mintDstackReport, type MintDstackReportOptions } from '../../../../keepers/attestation/dstack';

const sha256 = (bytes: string | Buffer) => createHash('sha256').update(bytes).digest('hex');

export const usage = { prompt_tokens: 7, completion_tokens: 3, total_tokens: 10 };
/** Of the GPU that every engine here has. */
export const gpuPki = createGpuPki({ seed: Buffer.alloc(32, 13), now: new Date('2026-03-01T12:00:00Z') });
export const manifest = '{"manifest_version":2,"name":"engine"}';

/** How the server departs from what a good proxy does; changed by tests while it runs. */
export interface Misbehaviour {
    /** Changes the report before it is sent. */
    report?: (report: Record<string, unknown>) => unknown;
    mint?: Partial<MintDstackReportOptions>;
    /** Status of the report's answer. */
    reportStatus?: number;
    /** Signs this in place of the text. */
    text?: (requestHash: string, responseHash: string) => string;
    signer?: Wallet;
    /** Signed as Python spells it, as dstack's own proxy does for whole answers. */
    python?: boolean;
    /** Times that the signature is asked for before it is there. */
    signatureLate?: number;
    /** Changes the answer after it was signed. */
    answer?: (body: string) => string;
    refuse?: number;
}

/** A proxy as dstack and NEAR AI run it, with quotes under a development root and an Ethereum wallet as its signing key. */
export async function startDstackServer(pki: () => DevelopmentPki, tls?: { key: string; cert: string }) {
    const key = { wallet: walletOf('engine') };
    const nonces: string[] = [];
    const asked: string[] = [];
    const signatures = new Map<string, { text: string; signature: string; signing_address: string }>();
    let wrong: Misbehaviour = {};

    const report = (nonce: Buffer) => {
        const signingAddress = Buffer.from(key.wallet.address.slice(2), 'hex');
        const gpus = mintGpuDocument([createGpu(gpuPki, {})], { nonce, ccMode: null, devTools: null });
        const nvidiaPayload = { evidence_list: gpus.map(({ certificate, evidence }) => ({ certificate, evidence })) };
        const options = { pki: pki(), signingAddress, nonce, appCompose: manifest, nvidiaPayload };
        const minted = mintDstackReport({ ...options, ...wrong.mint });
        return wrong.report?.(minted.report) ?? minted.report;
    };
    const sign = async (id: string, requestBody: string, responseBody: string) => {
        const text =
            wrong.text?.(sha256(requestBody), sha256(responseBody)) ?? `${sha256(requestBody)}:${sha256(responseBody)}`;
        const signer = wrong.signer ?? key.wallet;
        signatures.set(id, { text, signature: await signer.signMessage(text), signing_address: signer.address });
    };
    const complete = async (response: ServerResponse, body: string) => {
        asked.push(body);
        if (wrong.refuse) return send(response, wrong.refuse, { error: { message: 'no', code: 'nope' } });
        const id = `chat-${randomUUID()}`;
        const { stream } = JSON.parse(body) as { stream?: boolean };
        const text = stream ? streamOf(id) : JSON.stringify(wholeOf(id));
        await sign(id, body, wrong.python ? pythonOf(id) : text);
        response.writeHead(200, { 'content-type': stream ? 'text/event-stream' : 'application/json' });
        response.end(wrong.answer?.(text) ?? text);
    };
    const listener = (request: IncomingMessage, response: ServerResponse) => {
        const parts: Buffer[] = [];
        request.on('data', (part: Buffer) => parts.push(part));
        request.on('end', () => {
            const url = new URL(request.url ?? '', 'http://localhost');
            if (url.pathname === '/v1/models')
                return send(response, 200, { data: [{ id: 'toy', max_model_len: 4096 }] });
            if (url.pathname === '/v1/attestation/report') {
                const nonce = url.searchParams.get('nonce')!;
                nonces.push(nonce);
                return send(response, wrong.reportStatus ?? 200, report(Buffer.from(nonce, 'hex')));
            }
            if (url.pathname.startsWith('/v1/signature/')) {
                if (wrong.signatureLate) {
                    wrong.signatureLate -= 1;
                    return send(response, 404, {});
                }
                const found = signatures.get(decodeURIComponent(url.pathname.slice('/v1/signature/'.length)));
                return send(response, found ? 200 : 404, found ? { ...found, signing_algo: 'ecdsa' } : {});
            }
            void complete(response, Buffer.concat(parts).toString('utf8'));
        });
    };
    const server = tls === undefined ? createServer(listener) : createTlsServer(tls, listener);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return {
        baseUrl: `${tls === undefined ? 'http' : 'https'}://127.0.0.1:${(server.address() as AddressInfo).port}`,
        key,
        nonces,
        asked,
        misbehave: (next: Misbehaviour) => (wrong = next),
        stop: () => {
            server.closeAllConnections();
            return new Promise<void>((resolve) => server.close(() => resolve()));
        },
    };
}

export function walletOf(name: string): Wallet {
    return new Wallet(`0x${sha256(name)}`);
}

function send(response: ServerResponse, status: number, json: unknown): void {
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(json));
}

function wholeOf(id: string) {
    return { id, choices: [{ index: 0, message: { content: 'Grüß dich 🌴' } }], usage };
}

function pythonOf(id: string): string {
    const content = 'Gr\\u00fc\\u00df dich \\ud83c\\udf34';
    const counted = '{"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10}';
    return `{"id": "${id}", "choices": [{"index": 0, "message": {"content": "${content}"}}], "usage": ${counted}}`;
}

function streamOf(id: string): string {
    const chunk = (content: string) =>
        `data: ${JSON.stringify({ id, choices: [{ index: 0, delta: { content } }] })}\n\n`;
    const last = `data: ${JSON.stringify({ id, choices: [], usage })}\n\n`;
    return `${chunk('Grüß')}${chunk(' dich 🌴')}${last}data: [DONE]\n\n`;
}
