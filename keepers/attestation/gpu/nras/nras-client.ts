import { AttestationError } from '../../errors';
import { gpuDocumentSchema, type GpuDocument } from '../evidence-document';
import { nvidiaNrasUrl } from './verify-token';

export interface NrasClientOptions {
    /** Of NVIDIA's service or one like it: what stands before `/v3/attest/gpu`. */
    url?: string;
    /** Unless the service's own, `/.well-known/jwks.json`. */
    jwksUrl?: string;
    timeoutMs?: number;
    /** For tests; the runtime's own otherwise. */
    fetch?: typeof fetch;
}

/** Sixteen tokens of 4 kB each are 64 kB. */
const maxAnswerBytes = 512 * 1024;
const defaultTimeoutMs = 15_000;

/** Asks NVIDIA's remote attestation service. Nothing is verified here: the verifier does, each time. */
export class NrasClient {
    private readonly fetch: typeof fetch;
    private readonly url: string;

    constructor(private readonly options: NrasClientOptions = {}) {
        this.fetch = options.fetch ?? fetch;
        this.url = (options.url ?? nvidiaNrasUrl).replace(/\/+$/, '');
    }

    /** The service's word on these GPUs, as it came. */
    async attest(document: GpuDocument): Promise<unknown> {
        const gpus = gpuDocumentSchema.parse(document);
        const { arch, nonce } = gpus[0]!;
        if (gpus.some((gpu) => gpu.arch !== arch || gpu.nonce !== nonce)) {
            throw new AttestationError(
                'evidence_unusable',
                'the service judges GPUs of one architecture and nonce only',
            );
        }
        const evidenceList = gpus.map(({ evidence, certificate }) => ({ evidence, certificate }));
        return this.getJson(`${this.url}/v3/attest/gpu`, {
            method: 'POST',
            headers: { 'content-type': 'application/json' },
            body: JSON.stringify({ nonce, arch, evidence_list: evidenceList }),
        });
    }

    /** The service's keys, as they came. */
    keys(): Promise<unknown> {
        return this.getJson(this.options.jwksUrl ?? `${this.url}/.well-known/jwks.json`, {});
    }

    private async getJson(url: string, init: RequestInit): Promise<unknown> {
        const signal = AbortSignal.timeout(this.options.timeoutMs ?? defaultTimeoutMs);
        const headers = { ...init.headers, connection: 'close' };
        try {
            const response = await this.fetch(url, { ...init, headers, signal, redirect: 'error' });
            const body = await readBody(response);
            if (response.status === 200) return JSON.parse(body) as unknown;
            throw unavailable(`NVIDIA's attestation service answers ${response.status} to ${url}`);
        } catch (error) {
            if (error instanceof AttestationError) throw error;
            throw unavailable(`NVIDIA's attestation service cannot be asked at ${url}`, error);
        }
    }
}

async function readBody(response: Response): Promise<string> {
    const chunks: Uint8Array[] = [];
    let length = 0;
    for await (const chunk of response.body ?? []) {
        length += (chunk as Uint8Array).length;
        if (length > maxAnswerBytes) throw unavailable(`the answer of ${response.url} is too large`);
        chunks.push(chunk as Uint8Array);
    }
    return Buffer.concat(chunks).toString('utf8');
}

function unavailable(message: string, cause?: unknown): AttestationError {
    return new AttestationError('nras_unavailable', message, cause);
}
