import { readExtensions } from '../../parse/certificate';
import { DerReader, derTag, readSequence, readTime, smallInteger, unsignedInteger, wholeBits } from '../../parse/der';
import { requireFormat } from '../../parse/format-error';
import { readPssAlgorithm } from './certificate';

export const maxCrlLength = 256 * 1024;

/** A revocation list of an AMD root: what it says of the authorities below it. */
export interface AmdRevocationList {
    tbs: Buffer;
    signature: Buffer;
    issuer: Buffer;
    thisUpdate: number;
    nextUpdate: number;
    /** Serials without sign padding, as hex. */
    revokedSerials: Set<string>;
}

/** Parses an X.509 v2 list signed with RSASSA-PSS; one without nextUpdate, or with a critical extension, is refused. */
export function parseAmdCrl(der: Buffer): AmdRevocationList {
    requireFormat(der.length <= maxCrlLength, 'revocation list too large');
    const outer = readSequence(der);
    const tbs = outer.read(derTag.sequence);
    const algorithm = readPssAlgorithm(outer);
    const signature = wholeBits(outer.read(derTag.bitString).content);
    outer.end();
    const { algorithm: signedAlgorithm, ...fields } = parseTbs(new DerReader(tbs.content));
    requireFormat(algorithm.equals(signedAlgorithm), 'the two signature algorithms differ');
    return { tbs: tbs.raw, signature, ...fields };
}

function parseTbs(tbs: DerReader): Omit<AmdRevocationList, 'tbs' | 'signature'> & { algorithm: Buffer } {
    requireFormat(smallInteger(tbs.read(derTag.integer).content) === 1, 'revocation list is not version 2');
    const algorithm = readPssAlgorithm(tbs);
    const issuer = tbs.read(derTag.sequence).raw;
    const thisUpdate = readTime(tbs.readAny());
    const nextUpdate = readTime(tbs.readAny());
    const revokedSerials =
        tbs.peekTag() === derTag.sequence ? readEntries(tbs.read(derTag.sequence).content) : new Set<string>();
    if (!tbs.done) {
        refuseCritical(readSequence(tbs.read(derTag.context0).content));
    }
    tbs.end();
    return { algorithm, issuer, thisUpdate, nextUpdate, revokedSerials };
}

function readEntries(content: Buffer): Set<string> {
    const serials = new Set<string>();
    const entries = new DerReader(content);
    while (!entries.done) {
        const entry = new DerReader(entries.read(derTag.sequence).content);
        serials.add(unsignedInteger(entry.read(derTag.integer).content).toString('hex'));
        readTime(entry.readAny());
        if (!entry.done) {
            refuseCritical(new DerReader(entry.read(derTag.sequence).content));
        }
        entry.end();
    }
    return serials;
}

/** A critical extension would change what the list means (delta, indirect, partial): none is understood here. */
function refuseCritical(extensions: DerReader): void {
    for (const extension of readExtensions(extensions).values()) {
        requireFormat(!extension.critical, 'unknown critical extension in a revocation list');
    }
}
