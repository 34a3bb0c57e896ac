import { DerReader, derTag, readSequence, readTime, smallInteger, unsignedInteger, wholeBits } from './der';
import { requireFormat } from './format-error';
import { commonNameOf } from './name';
import { ecdsaWithSha256Algorithm, oid, p256SpkiPrefix } from './oids';

export interface Certificate {
    der: Buffer;
    /** The signed part. */
    tbs: Buffer;
    signature: Buffer;
    /** Without sign padding. */
    serial: Buffer;
    issuer: Buffer;
    subject: Buffer;
    subjectName: string;
    notBefore: number;
    notAfter: number;
    /** SubjectPublicKeyInfo, 91 bytes. */
    spki: Buffer;
    isCa: boolean;
    pathLength: number | null;
    keyUsage: KeyUsage;
    /** Content of Intel's extension; only PCK certificates have it. */
    sgxExtension: Buffer | null;
}

export interface KeyUsage {
    digitalSignature: boolean;
    keyCertSign: boolean;
    crlSign: boolean;
}

/** Parses an X.509 v3 certificate with a P-256 key and an ECDSA/SHA-256 signature; every byte must be accounted for. */
export function parseCertificate(der: Buffer): Certificate {
    const outer = readSequence(der);
    const tbs = outer.read(derTag.sequence);
    readAlgorithm(outer);
    const signature = wholeBits(outer.read(derTag.bitString).content);
    outer.end();
    return { der, tbs: tbs.raw, signature, ...parseTbs(new DerReader(tbs.content)) };
}

type TbsFields = Omit<Certificate, 'der' | 'tbs' | 'signature'>;

function parseTbs(tbs: DerReader): TbsFields {
    const version = new DerReader(tbs.read(derTag.context0).content);
    requireFormat(smallInteger(version.read(derTag.integer).content) === 2, 'certificate is not X.509 v3');
    version.end();
    const serial = unsignedInteger(tbs.read(derTag.integer).content);
    requireFormat(serial.length <= 20, 'certificate serial longer than 20 bytes');
    readAlgorithm(tbs);
    const issuer = tbs.read(derTag.sequence).raw;
    const validity = new DerReader(tbs.read(derTag.sequence).content);
    const notBefore = readTime(validity.readAny());
    const notAfter = readTime(validity.readAny());
    validity.end();
    const subject = tbs.read(derTag.sequence).raw;
    const spki = readP256Key(tbs);
    const extensionList = readSequence(tbs.read(derTag.context3).content);
    tbs.end();
    const extensions = parseExtensions(extensionList);
    const names = { issuer, subject, subjectName: commonNameOf(subject) };
    return { serial, ...names, notBefore, notAfter, spki, ...extensions };
}

export function readAlgorithm(reader: DerReader): void {
    const algorithm = reader.read(derTag.sequence).raw;
    requireFormat(algorithm.equals(ecdsaWithSha256Algorithm), 'signature algorithm is not ECDSA with SHA-256');
}

function readP256Key(tbs: DerReader): Buffer {
    const spki = tbs.read(derTag.sequence).raw;
    const prefix = p256SpkiPrefix.length;
    requireFormat(
        spki.length === prefix + 65 && spki.subarray(0, prefix).equals(p256SpkiPrefix) && spki[prefix] === 4,
        'public key is not an uncompressed P-256 point',
    );
    return spki;
}

type ExtensionFields = Pick<Certificate, 'isCa' | 'pathLength' | 'keyUsage' | 'sgxExtension'>;

export interface Extension {
    id: string;
    critical: boolean;
    value: Buffer;
}

/** Extensions of a certificate or list; none may come twice. */
export function readExtensions(list: DerReader): Map<string, Extension> {
    const found = new Map<string, Extension>();
    while (!list.done) {
        const item = new DerReader(list.read(derTag.sequence).content);
        const id = item.read(derTag.oid).content.toString('hex');
        const critical = item.peekTag() === derTag.boolean && readTrue(item.read(derTag.boolean).content);
        const value = item.read(derTag.octetString).content;
        item.end();
        requireFormat(!found.has(id), 'extension given twice');
        found.set(id, { id, critical, value });
    }
    return found;
}

function readTrue(content: Buffer): true {
    requireFormat(content.length === 1 && content[0] === 0xff, 'BOOLEAN is not DER true');
    return true;
}

function parseExtensions(list: DerReader): ExtensionFields {
    const extensions = readExtensions(list);
    const understood: string[] = [oid.basicConstraints, oid.keyUsage, oid.sgxExtension];
    for (const extension of extensions.values()) {
        requireFormat(!extension.critical || understood.includes(extension.id), 'unknown critical extension');
    }
    const basicConstraints = extensions.get(oid.basicConstraints);
    const keyUsage = extensions.get(oid.keyUsage);
    requireFormat(basicConstraints !== undefined && keyUsage !== undefined, 'basic constraints or key usage missing');
    return {
        ...parseBasicConstraints(basicConstraints.value),
        keyUsage: parseKeyUsage(keyUsage.value),
        sgxExtension: extensions.get(oid.sgxExtension)?.value ?? null,
    };
}

export function parseBasicConstraints(value: Buffer): { isCa: boolean; pathLength: number | null } {
    const fields = readSequence(value);
    const isCa = fields.peekTag() === derTag.boolean && readTrue(fields.read(derTag.boolean).content);
    const pathLength = fields.done ? null : smallInteger(fields.read(derTag.integer).content);
    fields.end();
    return { isCa, pathLength };
}

export function parseKeyUsage(value: Buffer): KeyUsage {
    const reader = new DerReader(value);
    const bits = reader.read(derTag.bitString).content;
    reader.end();
    // Unused-bit count, then flags from the top: digitalSignature 0x80, keyCertSign 0x04, cRLSign 0x02.
    requireFormat(bits.length === 2 && bits[0]! < 8, 'malformed key usage');
    const flags = bits[1]!;
    return {
        digitalSignature: (flags & 0x80) !== 0,
        keyCertSign: (flags & 0x04) !== 0,
        crlSign: (flags & 0x02) !== 0,
    };
}
