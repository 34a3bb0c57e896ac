import { createPublicKey, type KeyObject } from 'node:crypto';
import {
    readExtensions,
    parseBasicConstraints,
    parseKeyUsage,
    type Extension,
    type KeyUsage,
} from '../../parse/certificate';
import { DerReader, derTag, readSequence, readTime, smallInteger, unsignedInteger, wholeBits } from '../../parse/der';
import { FormatError, requireFormat } from '../../parse/format-error';
import { commonNameOf } from '../../parse/name';
import { oid, p384SpkiPrefix } from '../../parse/oids';
import { pssSha384Algorithms, rsaAlgorithm } from './oids';

/** A certificate of AMD's: an authority with an RSA key, or an endorsement key of P-384. All are signed with RSA-PSS. */
export interface AmdCertificate {
    der: Buffer;
    /** The signed part. */
    tbs: Buffer;
    signature: Buffer;
    /** Hex, without sign padding. Endorsement keys all have serial 0. */
    serial: string;
    issuer: Buffer;
    subject: Buffer;
    subjectName: string;
    notBefore: number;
    notAfter: number;
    /** SubjectPublicKeyInfo. */
    spki: Buffer;
    keyKind: 'rsa' | 'p384';
    key: KeyObject;
    isCa: boolean;
    pathLength: number | null;
    /** Null in endorsement key certificates, which do not say. */
    keyUsage: KeyUsage | null;
    extensions: Map<string, Extension>;
}

export const maxCertificateLength = 8 * 1024;
const minModulusBits = 2048;
const maxModulusBits = 8192;

/** Parses an X.509 v3 certificate signed with RSASSA-PSS (SHA-384, salt 48); every byte must be accounted for. */
export function parseAmdCertificate(der: Buffer): AmdCertificate {
    requireFormat(der.length <= maxCertificateLength, 'certificate too large');
    const outer = readSequence(der);
    const tbs = outer.read(derTag.sequence);
    const algorithm = readPssAlgorithm(outer);
    const signature = wholeBits(outer.read(derTag.bitString).content);
    outer.end();
    const { algorithm: signedAlgorithm, ...fields } = parseTbs(new DerReader(tbs.content));
    requireFormat(algorithm.equals(signedAlgorithm), 'the two signature algorithms differ');
    return { der, tbs: tbs.raw, signature, ...fields };
}

export function readPssAlgorithm(reader: DerReader): Buffer {
    const algorithm = reader.read(derTag.sequence).raw;
    requireFormat(
        pssSha384Algorithms.some((known) => known.equals(algorithm)),
        'signature algorithm is not RSASSA-PSS with SHA-384 and a salt of 48 bytes',
    );
    return algorithm;
}

type TbsFields = Omit<AmdCertificate, 'der' | 'tbs' | 'signature'> & { algorithm: Buffer };

function parseTbs(tbs: DerReader): TbsFields {
    const version = new DerReader(tbs.read(derTag.context0).content);
    requireFormat(smallInteger(version.read(derTag.integer).content) === 2, 'certificate is not X.509 v3');
    version.end();
    const serial = unsignedInteger(tbs.read(derTag.integer).content);
    requireFormat(serial.length <= 20, 'certificate serial longer than 20 bytes');
    const algorithm = readPssAlgorithm(tbs);
    const issuer = tbs.read(derTag.sequence).raw;
    const validity = new DerReader(tbs.read(derTag.sequence).content);
    const notBefore = readTime(validity.readAny());
    const notAfter = readTime(validity.readAny());
    validity.end();
    const subject = tbs.read(derTag.sequence).raw;
    const key = readKey(tbs.read(derTag.sequence).raw);
    const extensions = readExtensions(readSequence(tbs.read(derTag.context3).content));
    tbs.end();
    return {
        algorithm,
        serial: serial.toString('hex'),
        issuer,
        subject,
        subjectName: commonNameOf(subject),
        notBefore,
        notAfter,
        ...key,
        ...roleOf(extensions),
        extensions,
    };
}

function readKey(spki: Buffer): Pick<AmdCertificate, 'spki' | 'keyKind' | 'key'> {
    const prefix = p384SpkiPrefix.length;
    const isPoint =
        spki.length === prefix + 97 && spki.subarray(0, prefix).equals(p384SpkiPrefix) && spki[prefix] === 4;
    if (!isPoint) {
        requireRsa(spki);
    }
    return { spki, keyKind: isPoint ? 'p384' : 'rsa', key: importKey(spki) };
}

function requireRsa(spki: Buffer): void {
    const fields = readSequence(spki);
    const algorithm = fields.read(derTag.sequence).raw;
    requireFormat(algorithm.equals(rsaAlgorithm), 'public key is neither RSA nor an uncompressed P-384 point');
    const numbers = readSequence(wholeBits(fields.read(derTag.bitString).content));
    fields.end();
    const modulus = unsignedInteger(numbers.read(derTag.integer).content);
    const exponent = smallInteger(numbers.read(derTag.integer).content);
    numbers.end();
    const bits = modulus.length * 8;
    requireFormat(bits >= minModulusBits && bits <= maxModulusBits, 'RSA key of unsupported size');
    requireFormat(exponent === 65537, 'RSA exponent is not 65537');
}

function importKey(spki: Buffer): KeyObject {
    try {
        return createPublicKey({ key: spki, format: 'der', type: 'spki' });
    } catch {
        throw new FormatError('public key is not on its curve, or no key at all');
    }
}

function roleOf(extensions: Map<string, Extension>): Pick<AmdCertificate, 'isCa' | 'pathLength' | 'keyUsage'> {
    const understood: string[] = [oid.basicConstraints, oid.keyUsage];
    for (const extension of extensions.values()) {
        requireFormat(!extension.critical || understood.includes(extension.id), 'unknown critical extension');
    }
    const basicConstraints = extensions.get(oid.basicConstraints);
    const keyUsage = extensions.get(oid.keyUsage);
    const constraints = basicConstraints && parseBasicConstraints(basicConstraints.value);
    return {
        isCa: constraints?.isCa ?? false,
        pathLength: constraints?.pathLength ?? null,
        keyUsage: keyUsage ? parseKeyUsage(keyUsage.value) : null,
    };
}
