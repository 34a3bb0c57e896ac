import { readFileSync } from 'node:fs';
import { AttestationError } from '../errors';
import { parsePemChain } from '../parse/pem';
import type { GpuArchitecture } from './evidence-document';
import { parseDeviceCertificate } from './parse/device-certificate';
import { maxReportBytes, spdm } from './parse/spdm';

/** Sixteen GPUs are 200 kB. */
const maxFileBytes = 1024 * 1024;
const maxChainCertificates = 5;

/** A report in hex and its PEM chain, as in NVIDIA's samples, as the same kind of document. */
export function readGpuPair(reportFile: string, chainFile: string): unknown {
    const hex = readBounded(reportFile).toString('latin1').trim();
    if (!/^(?:[0-9a-fA-F]{2})+$/.test(hex) || hex.length > 2 * maxReportBytes) {
        throw new AttestationError('file_unusable', `${reportFile} is not a report in hex`);
    }
    const report = Buffer.from(hex, 'hex');
    const chain = readBounded(chainFile);
    return [
        {
            arch: architectureOf(chain),
            certificate: chain.toString('base64'),
            evidence: report.toString('base64'),
            nonce: report.subarray(4, 4 + spdm.nonceBytes).toString('hex'),
        },
    ];
}

/** Evidence as NVIDIA's tools write it, or its service's answer or keys, whatever they say: judging is the verifier's. */
export function readJsonFile(file: string): unknown {
    return jsonOf(file, readBounded(file).toString('utf8'));
}

/** By the leaf's name; for a chain that can't be read it makes no difference, since the verifier refuses that. */
function architectureOf(chain: Buffer): GpuArchitecture {
    try {
        const [leaf] = parsePemChain(chain.toString('latin1'), maxChainCertificates);
        return parseDeviceCertificate(leaf!).subjectName.startsWith('GB') ? 'BLACKWELL' : 'HOPPER';
    } catch {
        return 'HOPPER';
    }
}

function readBounded(file: string): Buffer {
    let bytes: Buffer;
    try {
        bytes = readFileSync(file);
    } catch (error) {
        throw new AttestationError('file_unusable', `${file} cannot be read`, error);
    }
    if (bytes.length <= maxFileBytes) return bytes;
    throw new AttestationError('file_unusable', `${file} is over ${maxFileBytes} bytes`);
}

function jsonOf(file: string, text: string): unknown {
    try {
        return JSON.parse(text) as unknown;
    } catch (error) {
        throw new AttestationError('file_unusable', `${file} is not JSON`, error);
    }
}
