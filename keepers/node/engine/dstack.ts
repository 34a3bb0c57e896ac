import { createHash, type Hash } from 'node:crypto';
import { AttestationError } from '../../attestation';
import { chatSignatureFlaw, parseChatSignature, type SignedExchange } from '../../attestation/dstack';
import { systemClock } from '../../base';
import { attestedConnector } from './attested-tls';
import { DstackProxy, usesTls } from './dstack-proxy';
import { DstackTrust, type DstackTrustOptions } from './dstack-trust';
import type { Engine, EngineEvent, EngineHealth, EngineModel, EngineRequest } from './engine';
import { EngineError } from './errors';
import { OpenAiCompatibleEngine, type OpenAiCompatibleOptions, type WireTap } from './openai-compatible';
import { isObject } from './request-body';
import { engineErrorFrom } from './upstream-errors';

export interface DstackEngineOptions
    extends
        Omit<OpenAiCompatibleOptions, 'continuousUsage' | 'connector'>,
        Omit<DstackTrustOptions, 'report' | 'tls' | 'clock' | 'maxAgeMs'>,
        Partial<Pick<DstackTrustOptions, 'clock' | 'maxAgeMs'>> {}

const defaultMaxAgeMs = 30 * 60_000;
const defaultConnectTimeoutMs = 5_000;

/**
 * An engine in a dstack CVM (Phala, NEAR AI) behind an OpenAI-compatible proxy that attests itself and signs each answer.
 * Nothing is sent to it before its attestation is accepted, and over TLS only to the key in its quote. No answer counts
 * before its signature holds: a whole answer is held back until then, a stream is not, but costs nothing unless it ends well.
 */
export class DstackEngine implements Engine {
    readonly maxConcurrency: number;
    private readonly upstream: OpenAiCompatibleEngine;
    private readonly proxy: DstackProxy;
    private readonly trust: DstackTrust;

    constructor(options: DstackEngineOptions) {
        const tls = usesTls(options.baseUrl);
        const connectTimeoutMs = options.connectTimeoutMs ?? defaultConnectTimeoutMs;
        const connector = tls ? attestedConnector(() => this.trust.tlsFingerprints, connectTimeoutMs) : undefined;
        // Both proxies stand before vLLM or SGLang. A running count is of no use: the answer's end alone is signed.
        const dialect = options.dialect ?? 'vllm';
        this.upstream = new OpenAiCompatibleEngine({ ...options, dialect, continuousUsage: false, connector });
        this.maxConcurrency = this.upstream.maxConcurrency;
        this.proxy = new DstackProxy({ ...options, connectTimeoutMs, connector });
        this.trust = new DstackTrust({
            ...options,
            tls,
            report: (nonce, signal) => this.proxy.report(nonce, signal),
            maxAgeMs: options.maxAgeMs ?? defaultMaxAgeMs,
            clock: options.clock ?? systemClock,
        });
    }

    /** Attests first, so that a node never offers the models of an engine it would not use. */
    async describe(signal: AbortSignal): Promise<EngineModel[]> {
        await this.trust.signers();
        return this.upstream.describe(signal);
    }

    async *run(request: EngineRequest, signal: AbortSignal): AsyncGenerator<EngineEvent> {
        await this.trust.signers();
        const exchange = new TappedExchange();
        const held: EngineEvent[] = [];
        for await (const event of this.upstream.run(request, signal, exchange)) {
            exchange.saw(event);
            if (event.type === 'end' && !exchange.refused) await this.confirm(exchange, signal);
            if (event.type !== 'end' && !exchange.streamed) held.push(event);
            else if (event.type === 'end') yield* [...held, event];
            // The count waits for the end, or a stream that nobody vouches for would be charged.
            else yield event.type === 'chunk' ? { type: 'chunk', data: event.data } : event;
        }
    }

    async health(signal: AbortSignal): Promise<EngineHealth> {
        try {
            await this.trust.signers();
        } catch (error) {
            return { ok: false, detail: engineErrorFrom(error, signal).message };
        }
        return this.upstream.health(signal);
    }

    async close(): Promise<void> {
        this.trust.close();
        await Promise.all([this.upstream.close(), this.proxy.close()]);
    }

    private async confirm(exchange: TappedExchange, signal: AbortSignal): Promise<void> {
        if (exchange.chatId === undefined) throw unsigned('it has no id to ask its signature by');
        try {
            const signature = parseChatSignature(await this.proxy.signature(exchange.chatId, signal));
            const signed = exchange.finish();
            let flaw = chatSignatureFlaw(signature, { ...signed, signers: this.trust.knownSigners });
            if (flaw === 'chat_signer') {
                flaw = chatSignatureFlaw(signature, { ...signed, signers: await this.trust.freshSigners() });
            }
            if (flaw !== null) throw unsigned(flaw);
        } catch (error) {
            throw error instanceof AttestationError ? unsigned(error.message) : error;
        }
    }
}

function unsigned(reason: string): EngineError {
    return new EngineError('answer_unsigned', `the engine's signature does not hold for its answer: ${reason}`);
}

const maxChatIdLength = 256;

/** What a signature is checked against: the bytes of one exchange as they crossed the wire. */
class TappedExchange implements WireTap {
    chatId: string | undefined;
    streamed = false;
    refused = false;
    private requestHash = '';
    private readonly responseHash: Hash = createHash('sha256');
    private whole: Buffer | undefined;

    sent(body: Buffer): void {
        this.requestHash = createHash('sha256').update(body).digest('hex');
    }

    received(bytes: Uint8Array): void {
        this.responseHash.update(bytes);
    }

    saw(event: EngineEvent): void {
        if (event.type === 'head') {
            this.refused = event.status >= 400;
            this.streamed = (event.headers['content-type'] ?? '').startsWith('text/event-stream');
        } else if (event.type === 'chunk') {
            this.chatId ??= chatIdOf(event.data, this.streamed);
            if (!this.streamed) this.whole = event.data;
        }
    }

    finish(): Omit<SignedExchange, 'signers'> {
        return {
            requestHash: this.requestHash,
            responseHash: this.responseHash.digest('hex'),
            ...(this.whole && { response: this.whole }),
        };
    }
}

function chatIdOf(data: Buffer, streamed: boolean): string | undefined {
    const text = data.toString('utf8');
    const json = streamed ? /^data: ?(\{.*)$/m.exec(text)?.[1] : text;
    if (json === undefined) return undefined;
    try {
        const parsed: unknown = JSON.parse(json);
        const id = isObject(parsed) ? parsed.id : undefined;
        return typeof id === 'string' && id.length > 0 && id.length <= maxChatIdLength ? id : undefined;
    } catch {
        return undefined;
    }
}
