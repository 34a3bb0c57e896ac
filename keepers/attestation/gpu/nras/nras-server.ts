import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { z } from 'zod';
import { systemClock, type Clock } from '../../../base';
import { gpuArchitectures, gpuDocumentSchema, maxGpus, type GpuDocument } from '../evidence-document';
import { developmentMeasurements } from '../mint/gpu-evidence';
import { createNrasSigner, mintNrasToken, nrasKeysOf, type GpuFindings, type NrasSigner } from '../mint/nras-token';
import { parseGpuReport } from '../parse/spdm';
import type { GpuFacts } from '../verify/gpu-verdict';
import { verifyGpuEvidence } from '../verify/verify-gpu';

export interface NrasServerOptions {
    /** Of the development network; its tokens' key is derived from it. */
    seed: Buffer;
    /** Uncompressed P-384 point: which GPUs this service knows. */
    rootPublicKey: Buffer;
    /** Who the tokens say has made them; the server's own URL unless given. */
    issuer?: string;
    clock?: Clock;
    /** 0 for any free port. */
    port?: number;
    /** GPUs whose certificates are revoked or on hold, by the serial that tokens name. */
    revokedUeids?: readonly string[];
    /** Digests that a driver version must measure as; those of development GPUs unless given. */
    reference?: (driverVersion: string) => readonly Buffer[];
}

export interface NrasServer {
    url: string;
    issuer: string;
    /** Requests answered, by path. */
    requests: string[];
    close(): Promise<void>;
}

const maxRequestBytes = 1024 * 1024;

const requestSchema = z.object({
    nonce: z.string(),
    arch: z.enum(gpuArchitectures),
    evidence_list: z
        .array(z.object({ evidence: z.string(), certificate: z.string() }))
        .min(1)
        .max(maxGpus),
});

interface Service extends NrasServerOptions {
    signer: NrasSigner;
}

/**
 * An attestation service for a development network, with the API of NVIDIA's (version 3). It verifies the evidence as any
 * relying party does and signs what it found under a development key.
 */
export async function startNrasServer(options: NrasServerOptions): Promise<NrasServer> {
    const requests: string[] = [];
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(options.port ?? 0, '127.0.0.1', resolve));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const issuer = options.issuer ?? url;
    const service: Service = { ...options, signer: createNrasSigner(options.seed, issuer) };
    server.on('request', (request: IncomingMessage, response: ServerResponse) => {
        requests.push(request.url ?? '');
        void answer(request, response, service);
    });
    return { url, issuer, requests, close: () => close(server) };
}

async function answer(request: IncomingMessage, response: ServerResponse, service: Service): Promise<void> {
    const send = (status: number, body: unknown) =>
        response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    try {
        if (request.method === 'GET' && request.url === '/.well-known/jwks.json') {
            return void send(200, nrasKeysOf(service.signer));
        }
        if (request.method !== 'POST' || request.url !== '/v3/attest/gpu') return void send(404, {});
        const document = documentOf(await readJson(request));
        return void send(200, attest(document, service));
    } catch (error) {
        return void send(400, { error: error instanceof Error ? error.message.slice(0, 200) : 'unreadable' });
    }
}

/** What the GPUs' host states beside the evidence is not sent to the service: it could not know. */
function documentOf(json: unknown): GpuDocument {
    const { nonce, arch, evidence_list: list } = requestSchema.parse(json);
    return gpuDocumentSchema.parse(list.map((item) => ({ ...item, nonce, arch })));
}

function attest(document: GpuDocument, service: Service): unknown {
    const { signer, rootPublicKey, clock = systemClock } = service;
    const at = new Date(clock.nowMs());
    const verdict = verifyGpuEvidence(document, { at, rootPublicKey });
    if (verdict.verdict === 'rejected') throw new Error(`${verdict.failedCheck}: ${verdict.detail}`);
    const gpus = verdict.gpus.map((facts, index) => findingsOf(facts, document[index]!.evidence, service));
    return mintNrasToken({ signer, nonce: Buffer.from(verdict.nonce!, 'hex'), at, gpus });
}

function findingsOf(facts: GpuFacts, evidence: string, service: Service): GpuFindings {
    const { measurements } = parseGpuReport(Buffer.from(evidence, 'base64'));
    const reference = (service.reference ?? developmentMeasurements)(facts.driverVersion);
    return {
        facts,
        measurementsMatch:
            measurements.length === reference.length && measurements.every((digest, i) => digest.equals(reference[i]!)),
        isRevoked: service.revokedUeids?.includes(facts.ueid) ?? false,
    };
}

async function readJson(request: IncomingMessage): Promise<unknown> {
    const chunks: Buffer[] = [];
    let length = 0;
    for await (const chunk of request as AsyncIterable<Buffer>) {
        length += chunk.length;
        if (length > maxRequestBytes) throw new Error('the request is too large');
        chunks.push(chunk);
    }
    return JSON.parse(Buffer.concat(chunks).toString('utf8')) as unknown;
}

function close(server: Server): Promise<void> {
    server.closeAllConnections();
    return new Promise((resolve, reject) => server.close((error) => (error ? reject(error) : resolve())));
}
