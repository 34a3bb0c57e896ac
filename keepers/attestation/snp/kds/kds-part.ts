import { createHash } from 'node:crypto';
import { requireFormat } from '../../parse/format-error';
import { parsePemChain } from '../../parse/pem';
import { parseAmdCertificate } from '../parse/certificate';
import { parseAmdCrl } from '../parse/crl';
import { writeTcb } from '../tcb';
import type { AuthorityNeeds, EndorsementNeeds } from './needs';

export type KdsPartKind = 'vcek' | 'chain' | 'crl';

/** One answer of the service. */
export interface KdsPart {
    bytes: Buffer;
    fetchedAtMs: number;
    /** When it goes out of force, by its own dates. */
    expiresAtMs: number;
}

/** A part's name, which is its file's in a cache folder too. Chips go by a hash, for their ids are long. */
export function partName(kind: KdsPartKind, needs: AuthorityNeeds & Partial<EndorsementNeeds>): string {
    const { line, signingKey, chip } = needs;
    if (kind === 'vcek') {
        const id = createHash('sha256').update(chip!.id).digest('hex').slice(0, 32);
        return `vcek-${line}-${id}-${writeTcb(chip!.tcb, line).toString('hex')}.der`;
    }
    return kind === 'chain' ? `chain-${signingKey}-${line}.pem` : `crl-${signingKey}-${line}.der`;
}

/** Throws where the bytes are not of their kind. */
export function expiryOf(kind: KdsPartKind, bytes: Buffer): number {
    switch (kind) {
        case 'vcek':
            return parseAmdCertificate(bytes).notAfter;
        case 'crl':
            return parseAmdCrl(bytes).nextUpdate;
        case 'chain': {
            const ders = parsePemChain(bytes.toString('latin1'), 2);
            requireFormat(ders.length === 2, 'a chain is of two certificates');
            return Math.min(...ders.map((der) => parseAmdCertificate(der).notAfter));
        }
    }
}
