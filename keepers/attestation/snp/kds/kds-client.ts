import { AttestationError } from '../../errors';
import { maxCertificateLength } from '../parse/certificate';
import { maxCrlLength } from '../parse/crl';
import type { ProductLine } from '../product';
import { partsOf, patchLevelName, type TcbVersion } from '../tcb';
import { maxChainLength } from '../verify/chain';
import type { AuthorityNeeds } from './needs';

export const amdKdsUrl = 'https://kdsintf.amd.com';

export interface KdsClientOptions {
    /** Of AMD's service or one like it: what stands before `/vcek/v1`. */
    baseUrl: string;
    timeoutMs?: number;
    /** For tests; the runtime's own otherwise. */
    fetch?: typeof fetch;
}

/**
 * Asks a service with the API of AMD's key distribution service (document 57230), one thing at a time. Nothing is verified
 * here: the verifier does, with each report.
 */
export class KdsClient {
    private readonly fetch: typeof fetch;

    constructor(private readonly options: KdsClientOptions) {
        this.fetch = options.fetch ?? fetch;
    }

    /** Certificate of a chip's key at a TCB version, DER. */
    fetchVcek(line: ProductLine, chip: { id: Buffer; tcb: TcbVersion }): Promise<Buffer> {
        const levels = partsOf(line).map((part) => {
            const level = String(chip.tcb[part] ?? 0).padStart(2, '0');
            return `${patchLevelName[part]}=${level}`;
        });
        return this.get(`/vcek/v1/${line}/${chip.id.toString('hex')}?${levels.join('&')}`, maxCertificateLength);
    }

    /** PEM of authority and root. */
    async fetchChain({ line, signingKey }: AuthorityNeeds): Promise<string> {
        return (await this.get(`/${signingKey}/v1/${line}/cert_chain`, maxChainLength)).toString('latin1');
    }

    /** The root's revocation list, DER. */
    fetchCrl({ line, signingKey }: AuthorityNeeds): Promise<Buffer> {
        return this.get(`/${signingKey}/v1/${line}/crl`, maxCrlLength);
    }

    private async get(path: string, maxLength: number): Promise<Buffer> {
        const url = `${this.options.baseUrl.replace(/\/+$/, '')}${path}`;
        const signal = AbortSignal.timeout(this.options.timeoutMs ?? 10_000);
        try {
            const response = await this.fetch(url, { signal, headers: { connection: 'close' } });
            const body = await readBody(response, maxLength);
            if (response.status === 200) return body;
            const message = `the key distribution service answers ${response.status} to ${url}`;
            throw new AttestationError('collateral_unavailable', message);
        } catch (error) {
            if (error instanceof AttestationError) throw error;
            const message = `the key distribution service cannot be reached at ${url}`;
            throw new AttestationError('collateral_unavailable', message, error);
        }
    }
}

/** Reads no further than any real answer is long. */
async function readBody(response: Response, maxLength: number): Promise<Buffer> {
    const chunks: Uint8Array[] = [];
    let length = 0;
    for await (const chunk of response.body ?? []) {
        length += (chunk as Uint8Array).length;
        if (length > maxLength) {
            throw new AttestationError('collateral_malformed', `the answer of ${response.url} is too large`);
        }
        chunks.push(chunk as Uint8Array);
    }
    return Buffer.concat(chunks);
}
