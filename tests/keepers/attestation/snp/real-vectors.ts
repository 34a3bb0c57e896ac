import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { toPem } from '../../../../keepers/attestation/mint/certificates';
import { parsePemChain } from '../../../../keepers/attestation/parse/pem';
import { vectorFolder } from '../real-vectors';

/** Reports and certificates of real machines; they stay out of this repository. */
const folder = path.join(vectorFolder, 'sev-snp');

export const hasVectors = existsSync(folder);

export function readVector(file: string): Buffer {
    return readFileSync(path.join(folder, file));
}

export function readChain(line: 'milan' | 'genoa' | 'turin_vcek'): string {
    return readVector(`ask_ark_${line}.pem`).toString('latin1');
}

/** Authority and root, DER. */
export function readAuthorities(line: 'milan' | 'genoa' | 'turin_vcek'): [Buffer, Buffer] {
    return parsePemChain(readChain(line), 2) as [Buffer, Buffer];
}

export const chainOf = (...ders: Buffer[]): string => toPem(ders);

/** Within the life of every certificate of the vectors. */
export const vectorDate = new Date('2025-06-01T00:00:00Z');
