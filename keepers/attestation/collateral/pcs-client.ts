import type { Collateral } from '../collateral-shape';
import { maxCollateralPartLength } from '../collateral-shape';
import { AttestationError } from '../errors';
import type { CollateralNeeds, PartKind } from './parts';

export interface PcsClientOptions {
    /** Of Intel's service or a caching one: what stands before `/sgx/certification/v4`. */
    baseUrl: string;
    /** Where the root's revocation list is; unless given, Intel's own place, or the caching service's. */
    rootCrlUrl?: string;
    timeoutMs?: number;
    /** For tests; the runtime's own otherwise. */
    fetch?: typeof fetch;
}

export const intelPcsUrl = 'https://api.trustedservices.intel.com';
const intelRootCrlUrl = 'https://certificates.trustedservices.intel.com/IntelSGXRootCA.der';

/** Asks a service with the API of Intel's provisioning certification service, version 4, for one part at a time. */
export class PcsClient {
    private readonly fetch: typeof fetch;

    constructor(private readonly options: PcsClientOptions) {
        this.fetch = options.fetch ?? fetch;
    }

    /** The texts of one part, exactly as served. Nothing is verified here: the verifier does, each time. */
    async fetchPart(kind: PartKind, needs: CollateralNeeds): Promise<Partial<Collateral>> {
        const api = `${this.options.baseUrl.replace(/\/+$/, '')}/${needs.tee}/certification/v4`;
        const sgxApi = api.replace('/tdx/certification', '/sgx/certification');
        switch (kind) {
            case 'rootCrl':
                return { root_ca_crl: crlHex((await this.get(this.rootCrlUrl(sgxApi))).body) };
            case 'pckCrl': {
                const answer = await this.get(`${sgxApi}/pckcrl?ca=${needs.authority}&encoding=der`);
                return {
                    pck_crl: crlHex(answer.body),
                    pck_crl_issuer_chain: chainOf(answer, ['SGX-PCK-CRL-Issuer-Chain']),
                };
            }
            case 'tcbInfo': {
                const answer = await this.get(`${api}/tcb?fmspc=${needs.fmspc.toUpperCase()}`);
                const { text, signature } = signedText(answer.body, 'tcbInfo');
                const chain = chainOf(answer, ['TCB-Info-Issuer-Chain', 'SGX-TCB-Info-Issuer-Chain']);
                return { tcb_info: text, tcb_info_signature: signature, tcb_info_issuer_chain: chain };
            }
            case 'qeIdentity': {
                const answer = await this.get(`${api}/qe/identity`);
                const { text, signature } = signedText(answer.body, 'enclaveIdentity');
                const chain = chainOf(answer, ['SGX-Enclave-Identity-Issuer-Chain']);
                return { qe_identity: text, qe_identity_signature: signature, qe_identity_issuer_chain: chain };
            }
        }
    }

    private rootCrlUrl(sgxApi: string): string {
        const { rootCrlUrl, baseUrl } = this.options;
        return rootCrlUrl ?? (baseUrl.startsWith(intelPcsUrl) ? intelRootCrlUrl : `${sgxApi}/rootcacrl`);
    }

    private async get(url: string): Promise<Answer> {
        const signal = AbortSignal.timeout(this.options.timeoutMs ?? 10_000);
        try {
            // A few requests in hours: a kept connection would mostly be one that the service has closed.
            const response = await this.fetch(url, { signal, headers: { connection: 'close' } });
            const body = await readBody(response);
            if (response.status !== 200) {
                throw new AttestationError(
                    'collateral_unavailable',
                    `the collateral service answers ${response.status} to ${url}`,
                );
            }
            return { url, body, headers: response.headers };
        } catch (error) {
            if (error instanceof AttestationError) {
                throw error;
            }
            throw new AttestationError(
                'collateral_unavailable',
                `the collateral service cannot be reached at ${url}`,
                error,
            );
        }
    }
}

interface Answer {
    url: string;
    body: Buffer;
    headers: Headers;
}

/** Reads no further than any real part is long. */
async function readBody(response: Response): Promise<Buffer> {
    const chunks: Uint8Array[] = [];
    let length = 0;
    for await (const chunk of response.body ?? []) {
        length += (chunk as Uint8Array).length;
        if (length > maxCollateralPartLength) {
            throw new AttestationError('collateral_malformed', `the answer of ${response.url} is too large`);
        }
        chunks.push(chunk as Uint8Array);
    }
    return Buffer.concat(chunks);
}

function chainOf({ headers, url }: Answer, names: string[]): string {
    const value = names.map((name) => headers.get(name)).find((header) => header !== null);
    try {
        return decodeURIComponent(value ?? refuse(`${url} names no issuer chain`));
    } catch (error) {
        throw error instanceof AttestationError ? error : refuse(`the issuer chain of ${url} is not percent-encoded`);
    }
}

/** Intel serves DER; some caching services serve its hex. */
function crlHex(body: Buffer): string {
    const text = body.toString('latin1').trim();
    return /^(?:[0-9a-fA-F]{2})+$/.test(text) ? text.toLowerCase() : body.toString('hex');
}

/** Cuts the signed text out of `{"name":{...},"signature":"..."}` without parsing and writing it again. */
function signedText(body: Buffer, name: string): { text: string; signature: string } {
    const pattern = new RegExp(
        `^\\s*\\{\\s*"${name}"\\s*:\\s*(\\{.*\\})\\s*,\\s*"signature"\\s*:\\s*"([0-9a-fA-F]+)"\\s*\\}\\s*$`,
        's',
    );
    const match = pattern.exec(body.toString('utf8'));
    if (match === null) {
        return refuse(`the answer has no signed ${name}`);
    }
    return { text: match[1]!, signature: match[2]!.toLowerCase() };
}

function refuse(message: string): never {
    throw new AttestationError('collateral_malformed', message);
}
