import { readAlgorithm, readExtensions } from './certificate';
import { DerReader, derTag, readSequence, readTime, smallInteger, unsignedInteger, wholeBits } from './der';
import { requireFormat } from './format-error';
import { parseHex } from './pem';

export interface RevocationList {
    tbs: Buffer;
    signature: Buffer;
    issuer: Buffer;
    thisUpdate: number;
    nextUpdate: number;
    /** Serials without sign padding, as hex. */
    revokedSerials: Set<string>;
}

/** Parses an X.509 v2 revocation list; a list without nextUpdate, or partial (critical extension), is refused. */
export function parseCrl(der: Buffer): RevocationList {
    const outer = readSequence(der);
    const tbs = outer.read(derTag.sequence);
    readAlgorithm(outer);
    const signature = wholeBits(outer.read(derTag.bitString).content);
    outer.end();
    return { tbs: tbs.raw, signature, ...parseTbs(new DerReader(tbs.content)) };
}

function parseTbs(tbs: DerReader): Omit<RevocationList, 'tbs' | 'signature'> {
    requireFormat(smallInteger(tbs.read(derTag.integer).content) === 1, 'revocation list is not version 2');
    readAlgorithm(tbs);
    const issuer = tbs.read(derTag.sequence).raw;
    const thisUpdate = readTime(tbs.readAny());
    const nextUpdate = readTime(tbs.readAny());
    const revokedSerials =
        tbs.peekTag() === derTag.sequence ? readEntries(tbs.read(derTag.sequence).content) : new Set<string>();
    const extensions = readSequence(tbs.read(derTag.context0).content);
    tbs.end();
    refuseCritical(extensions);
    return { issuer, thisUpdate, nextUpdate, revokedSerials };
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

/** thisUpdate of a list in hex; throws where it is none. */
export function revocationListIssuedAt(derHex: string): Date {
    return new Date(parseCrl(parseHex(derHex)).thisUpdate);
}
