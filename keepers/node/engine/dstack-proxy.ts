import { Agent, request } from 'undici';
import { maxDstackReportBytes } from '../../attestation/dstack';
import { sleep } from '../../base';
import { EngineError } from './errors';
import { rootOf } from './openai-compatible';
import { engineErrorFrom } from './upstream-errors';

export interface DstackProxyOptions {
    baseUrl: string;
    apiKey?: string;
    connectTimeoutMs?: number;
}

/** GPUs take long to answer: the proxy gives up on them after 20 s. */
const reportTimeoutMs = 60_000;
const signatureTimeoutMs = 10_000;
const maxSignatureBytes = 64 * 1024;
/** A proxy keeps the signature of an answer when it has sent the last of it, which may be a moment later. */
const signatureDelaysMs = [50, 200, 500, 1_000];

/** What dstack's vllm-proxy and NEAR AI's inference proxy serve besides OpenAI's routes; nothing of it is verified here. */
export class DstackProxy {
    private readonly agent: Agent;
    private readonly baseUrl: string;

    constructor(private readonly options: DstackProxyOptions) {
        this.baseUrl = rootOf(options.baseUrl);
        this.agent = new Agent({ connect: { timeout: options.connectTimeoutMs ?? 5_000 } });
    }

    /** @param nonce 32 bytes that the report's quote must bind */
    async report(nonce: Buffer, signal: AbortSignal): Promise<unknown> {
        const query = `signing_algo=ecdsa&nonce=${nonce.toString('hex')}`;
        const limits = { timeoutMs: reportTimeoutMs, maxBytes: maxDstackReportBytes };
        return (await this.get(`/v1/attestation/report?${query}`, limits, signal)).json;
    }

    /** Asks again for a while where the proxy does not know the answer yet. */
    async signature(chatId: string, signal: AbortSignal): Promise<unknown> {
        const route = `/v1/signature/${encodeURIComponent(chatId)}?signing_algo=ecdsa`;
        const limits = { timeoutMs: signatureTimeoutMs, maxBytes: maxSignatureBytes };
        for (const delayMs of [0, ...signatureDelaysMs]) {
            if (delayMs > 0) await sleep(delayMs, signal);
            const { status, json } = await this.get(route, limits, signal);
            if (status === 200) return json;
        }
        throw new EngineError('answer_unsigned', 'the engine has no signature for its answer');
    }

    async close(): Promise<void> {
        await this.agent.destroy();
    }

    private async get(
        route: string,
        { timeoutMs, maxBytes }: { timeoutMs: number; maxBytes: number },
        signal: AbortSignal,
    ): Promise<{ status: number; json: unknown }> {
        const { apiKey } = this.options;
        try {
            const answer = await request(this.baseUrl + route, {
                dispatcher: this.agent,
                headers: { accept: 'application/json', ...(apiKey && { authorization: `Bearer ${apiKey}` }) },
                signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]),
            });
            const text = await readText(answer.body, maxBytes);
            return { status: answer.statusCode, json: answer.statusCode === 200 ? JSON.parse(text) : undefined };
        } catch (error) {
            throw engineErrorFrom(error, signal);
        }
    }
}

async function readText(body: AsyncIterable<Uint8Array>, maxBytes: number): Promise<string> {
    const parts: Uint8Array[] = [];
    let size = 0;
    for await (const bytes of body) {
        size += bytes.length;
        if (size > maxBytes) throw new EngineError('engine_failed', `the engine's answer exceeds ${maxBytes} bytes`);
        parts.push(bytes);
    }
    return Buffer.concat(parts).toString('utf8');
}
