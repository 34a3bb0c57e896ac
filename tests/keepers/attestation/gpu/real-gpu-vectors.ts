import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { gpuDocumentSchema, type GpuDocument } from '../../../../keepers/attestation/gpu';
import { vectorFolder } from '../real-vectors';

const folder = path.join(vectorFolder, 'nvidia');

/** Evidence of real GPUs. It belongs to others and stays out of this repository, as the real quotes do. */
const hasGpuVectors = existsSync(path.join(folder, 'hopper_evidence.json'));

/** Says what a suite leaves out, so that a green run never looks like more than it is. */
export function describeRealGpus(suite: string, tests: () => void): void {
    if (!hasGpuVectors) process.stderr.write(`${suite}: SKIPPED the real GPU vectors, not in ${folder}\n`);
    (hasGpuVectors ? describe : describe.skip)(suite, tests);
}

export function gpuVectorFile(name: string): string {
    return path.join(folder, name);
}

export function readGpuVector(name: string): string {
    return readFileSync(gpuVectorFile(name), 'utf8');
}

export function readGpuDocument(name: string): GpuDocument {
    return gpuDocumentSchema.parse(JSON.parse(readGpuVector(name)));
}

/** The pair of nvtrust's samples, report in hex and chain in PEM, as a document. */
export function documentOfPair(report: string, chain = 'hopperCertChain.txt'): GpuDocument {
    const bytes = Buffer.from(readGpuVector(report).trim(), 'hex');
    return [
        {
            arch: 'HOPPER',
            certificate: Buffer.from(readGpuVector(chain)).toString('base64'),
            evidence: bytes.toString('base64'),
            nonce: bytes.toString('hex', 4, 36),
        },
    ];
}
