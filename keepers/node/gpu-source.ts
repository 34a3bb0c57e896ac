import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { request } from 'undici';
import { z } from 'zod';
import {
    type GpuDocument,
    gpuDocumentSchema,
    gpuEvidenceDigest,
    gpuNonceFor,
    nvidiaRootPublicKey,
    verifyGpuEvidence,
} from '../attestation';
import { errorMessage } from '../base';
import type { KeyBundle } from '../../wrappers';
import { NodeError } from './errors';

/** Where the evidence of a node's GPUs comes from. The same verifier judges it whatever the source. */
export interface GpuSource {
    /** @param nonce 32 bytes that every GPU signs along */
    evidence(nonce: Buffer): Promise<unknown>;
}

/** The GPUs that a node declares. */
export interface NodeGpus {
    source: GpuSource;
    /** How many there are: one that does not answer must not go unnoticed. */
    count: number;
    /** NVIDIA's unless the network is a development one. */
    rootPublicKey?: Buffer;
}

/** Sixteen GPUs are 200 kB. */
const maxAnswerBytes = 1024 * 1024;

/** Runs a program without a shell; it gets the nonce in hex as its last argument and prints the evidence as JSON. */
export function commandGpuSource([program, ...args]: readonly string[], timeoutMs: number): GpuSource {
    const options = { timeout: timeoutMs, maxBuffer: maxAnswerBytes, killSignal: 'SIGKILL' as const };
    return {
        evidence: async (nonce) => {
            try {
                const { stdout } = await promisify(execFile)(program!, [...args, nonce.toString('hex')], options);
                return parse(stdout, program!);
            } catch (error) {
                if (error instanceof NodeError) throw error;
                throw unavailable(`${program} failed: ${errorMessage(error).slice(0, 300)}`, error);
            }
        },
    };
}

/** Asks an agent in the same guest: GET with `?nonce=` in hex, answered with the evidence as JSON. */
export function urlGpuSource(url: string, timeoutMs: number): GpuSource {
    return {
        evidence: async (nonce) => {
            const asked = new URL(url);
            asked.searchParams.set('nonce', nonce.toString('hex'));
            try {
                const { statusCode, body } = await request(asked, { signal: AbortSignal.timeout(timeoutMs) });
                const text = await readBounded(body);
                if (statusCode !== 200) throw unavailable(`${url} answers ${statusCode}`);
                return parse(text, url);
            } catch (error) {
                if (error instanceof NodeError) throw error;
                throw unavailable(`${url} cannot be asked: ${errorMessage(error)}`, error);
            }
        },
    };
}

/**
 * Evidence of the node's GPUs for a bundle that is about to be attested. The node judges it first: what binds a GPU to a
 * guest is that the measured image takes no GPU that it has not verified.
 * @throws NodeError
 */
export async function attestGpus(
    gpus: NodeGpus,
    bundle: Pick<KeyBundle, 'network' | 'provider' | 'suite' | 'signingKey' | 'mcRootHash'>,
): Promise<{ document: GpuDocument; digest: Buffer }> {
    const nonce = gpuNonceFor(bundle);
    const answer = await gpus.source.evidence(nonce);
    const verdict = verifyGpuEvidence(answer, {
        at: new Date(),
        rootPublicKey: gpus.rootPublicKey ?? nvidiaRootPublicKey,
        policy: { minGpus: gpus.count, modeStatement: 'required' },
        claims: { nonce },
    });
    if (verdict.verdict === 'rejected') {
        throw new NodeError(
            'gpu_rejected',
            `a GPU of this node is not fit: ${verdict.detail} (${verdict.failedCheck})`,
        );
    }
    const document = gpuDocumentSchema.parse(answer);
    return { document, digest: gpuEvidenceDigest(document) };
}

function parse(text: string, from: string): unknown {
    try {
        return z.array(z.unknown()).parse(JSON.parse(text));
    } catch (error) {
        throw unavailable(`${from} does not answer with a list of GPU evidence`, error);
    }
}

async function readBounded(body: AsyncIterable<Buffer>): Promise<string> {
    const chunks: Buffer[] = [];
    let bytes = 0;
    for await (const chunk of body) {
        bytes += chunk.length;
        if (bytes > maxAnswerBytes) throw unavailable('the answer is too large');
        chunks.push(chunk);
    }
    return Buffer.concat(chunks).toString('utf8');
}

function unavailable(message: string, cause?: unknown): NodeError {
    return new NodeError('gpu_unavailable', `no GPU evidence: ${message}`, { action: 'retry', cause });
}
