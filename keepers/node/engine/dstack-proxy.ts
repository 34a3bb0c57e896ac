import { Agent, type buildConnector, request } from 'undici';
import { maxDstackReportBytes } from '../../attestation/dstack';
import { sleep } from '../../base';
import { collect, rootOf } from './engine-api';
import { EngineError } from './errors';
import { engineErrorFrom } from './upstream-errors';

export interface DstackProxyOptions {
    baseUrl: string;
    apiKey?: string;
    connectTimeoutMs: number;
    /** Once the engine is attested, how to reach it and nobody else. */
    connector?: buildConnector.connector;
}

/** GPUs take long to answer: the proxy gives up on them after 20 s. */
const reportTimeoutMs = 60_000;
const signatureTimeoutMs = 10_000;
const maxSignatureBytes = 64 * 1024;
/** A proxy keeps the signature of an answer when it has sent the last of it, which may be a moment later. */
const signatureDelaysMs = [50, 200, 500, 1_000];

/** What dstack's vllm-proxy and NEAR AI's inference proxy serve besides OpenAI's routes; nothing of it is verified here. */
export class DstackProxy {
    /** For the report, before which nothing is known of the engine. */
    private readonly stranger: Agent;
    private readonly attested: Agent;
    private readonly baseUrl: string;

    constructor(private readonly options: DstackProxyOptions) {
        this.baseUrl = rootOf(options.baseUrl);
        const { apiKey, connectTimeoutMs: timeout, connector } = options;
        // A report proves itself, whoever passes it on; only an API key is for nobody without a certificate.
        this.stranger = new Agent({ connect: { timeout, rejectUnauthorized: apiKey !== undefined } });
        this.attested = new Agent({ connect: connector ?? { timeout } });
    }

    /** @param nonce 32 bytes that the report's quote must bind, and the TLS key where one is in use */
    async report(nonce: Buffer, signal: AbortSignal): Promise<unknown> {
        // dstack's proxy knows the binding of TLS keys as version 2, NEAR AI's by name; each ignores the other's word.
        const tls = usesTls(this.baseUrl) ? '&version=2&include_tls_fingerprint=true' : '';
        const query = `signing_algo=ecdsa&nonce=${nonce.toString('hex')}${tls}`;
        const limits = { timeoutMs: reportTimeoutMs, maxBytes: maxDstackReportBytes, dispatcher: this.stranger };
        return (await this.get(`/v1/attestation/report?${query}`, limits, signal)).json;
    }

    /** Asks again for a while where the proxy does not know the answer yet. */
    async signature(chatId: string, signal: AbortSignal): Promise<unknown> {
        const route = `/v1/signature/${encodeURIComponent(chatId)}?signing_algo=ecdsa`;
        const limits = { timeoutMs: signatureTimeoutMs, maxBytes: maxSignatureBytes, dispatcher: this.attested };
        for (const delayMs of [0, ...signatureDelaysMs]) {
            if (delayMs > 0) await sleep(delayMs, signal);
            const { status, json } = await this.get(route, limits, signal);
            if (status === 200) return json;
        }
        throw new EngineError('answer_unsigned', 'the engine has no signature for its answer');
    }

    async close(): Promise<void> {
        await Promise.all([this.stranger.destroy(), this.attested.destroy()]);
    }

    private async get(
        route: string,
        { timeoutMs, maxBytes, dispatcher }: { timeoutMs: number; maxBytes: number; dispatcher: Agent },
        signal: AbortSignal,
    ): Promise<{ status: number; json: unknown }> {
        const { apiKey } = this.options;
        try {
            const answer = await request(this.baseUrl + route, {
                dispatcher,
                headers: { accept: 'application/json', ...(apiKey && { authorization: `Bearer ${apiKey}` }) },
                signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]),
            });
            const text = (await collect(answer.body, maxBytes)).toString('utf8');
            return { status: answer.statusCode, json: answer.statusCode === 200 ? JSON.parse(text) : undefined };
        } catch (error) {
            throw engineErrorFrom(error, signal);
        }
    }
}

export function usesTls(baseUrl: string): boolean {
    return baseUrl.startsWith('https:');
}
