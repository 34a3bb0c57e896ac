import { createHash } from 'node:crypto';
import { z } from 'zod';
import { maxReportBytes } from './parse/spdm';

/** Most GPUs of one node; a node's hello has room for no more. */
export const maxGpus = 16;

/** NVML hands out chains of 5 KiB at most. */
const maxChainBytes = 8 * 1024;

export const gpuArchitectures = ['HOPPER', 'BLACKWELL'] as const;
export type GpuArchitecture = (typeof gpuArchitectures)[number];

const base64 = (maxBytes: number) => z.base64().max(Math.ceil(maxBytes / 3) * 4);
const shortText = z.string().max(64);

/**
 * Evidence of one GPU as NVIDIA's tools serialise it. `cc_mode` and `dev_tools` are ours: no signed field of a report says
 * whether the driver runs in confidential mode or for developers; NVIDIA's own verifier asks the driver (NVML), and so does
 * the measured guest that collects this. Its quote binds the answer, for the key bundle names the digest of all this.
 */
export const gpuEvidenceSchema = z.strictObject({
    arch: z.enum(gpuArchitectures),
    /** base64 of a PEM chain, leaf first */
    certificate: base64(maxChainBytes),
    /** base64 of SPDM request and response */
    evidence: base64(maxReportBytes),
    /** 32 bytes in hex, as the request has it */
    nonce: z.string().regex(/^[0-9a-f]{64}$/i),
    cc_mode: z.enum(['on', 'off']).optional(),
    dev_tools: z.enum(['on', 'off']).optional(),
    // What NVIDIA's tools add. The signed report says the same, so these must agree with it or are not read.
    driver_version: shortText.optional(),
    vbios_version: shortText.optional(),
    uuid: shortText.optional(),
    version: shortText.optional(),
});

export const gpuDocumentSchema = z.array(gpuEvidenceSchema).min(1).max(maxGpus);

export type GpuEvidence = z.output<typeof gpuEvidenceSchema>;
/** Evidence of all GPUs of one host. */
export type GpuDocument = z.output<typeof gpuDocumentSchema>;

const statements = [undefined, 'on', 'off'] as const;

/**
 * What a key bundle names: SHA-256("CGpE" | version:1 | count:1 | GPUs), each GPU as architecture:1 | cc_mode:1 |
 * dev_tools:1 | chain | report, the last two behind their length in four bytes. Independent of how the JSON is written.
 */
export function gpuEvidenceDigest(document: GpuDocument): Buffer {
    const hash = createHash('sha256')
        .update('CGpE')
        .update(Buffer.from([1, document.length]));
    for (const gpu of document) {
        hash.update(
            Buffer.from([
                gpuArchitectures.indexOf(gpu.arch) + 1,
                statements.indexOf(gpu.cc_mode),
                statements.indexOf(gpu.dev_tools),
            ]),
        );
        for (const text of [gpu.certificate, gpu.evidence]) {
            const bytes = Buffer.from(text, 'base64');
            const length = Buffer.alloc(4);
            length.writeUInt32BE(bytes.length);
            hash.update(length).update(bytes);
        }
    }
    return hash.digest();
}
