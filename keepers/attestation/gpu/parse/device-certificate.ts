import {
    parseBasicConstraints,
    parseKeyUsage,
    readExtensions,
    type Extension,
    type KeyUsage,
} from '../../parse/certificate';
import { DerReader, derTag, readSequence, readTime, smallInteger, unsignedInteger, wholeBits } from '../../parse/der';
import { requireFormat } from '../../parse/format-error';
import { commonNameOf } from '../../parse/name';
import { ecdsaWithSha384Algorithm, oid, p384SpkiPrefix } from '../../parse/oids';
import { diceOid, parseCompositeDeviceId, parseTcbInfo, type FirmwareId } from './dice';

export interface DeviceCertificate {
    /** The signed part. */
    tbs: Buffer;
    signature: Buffer;
    /** Without sign padding. NVIDIA's tokens name a GPU by its leaf's, in decimal. */
    serial: Buffer;
    issuer: Buffer;
    subject: Buffer;
    subjectName: string;
    notBefore: number;
    notAfter: number;
    /** SubjectPublicKeyInfo, 120 bytes. */
    spki: Buffer;
    isCa: boolean;
    pathLength: number | null;
    keyUsage: KeyUsage;
    /** Of a leaf: what its firmware measures as. */
    firmware: FirmwareId | null;
}

/** Parses an X.509 v3 certificate with a P-384 key and an ECDSA/SHA-384 signature; every byte must be accounted for. */
export function parseDeviceCertificate(der: Buffer): DeviceCertificate {
    const outer = readSequence(der);
    const tbs = outer.read(derTag.sequence);
    readAlgorithm(outer);
    const signature = wholeBits(outer.read(derTag.bitString).content);
    outer.end();
    return { tbs: tbs.raw, signature, ...parseTbs(new DerReader(tbs.content)) };
}

function parseTbs(tbs: DerReader): Omit<DeviceCertificate, 'tbs' | 'signature'> {
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
    const spki = readKey(tbs);
    const extensionList = readSequence(tbs.read(derTag.context3).content);
    tbs.end();
    const names = { issuer, subject, subjectName: commonNameOf(subject) };
    return { serial, ...names, notBefore, notAfter, spki, ...parseExtensions(readExtensions(extensionList)) };
}

function readAlgorithm(reader: DerReader): void {
    const algorithm = reader.read(derTag.sequence).raw;
    requireFormat(algorithm.equals(ecdsaWithSha384Algorithm), 'signature algorithm is not ECDSA with SHA-384');
}

function readKey(tbs: DerReader): Buffer {
    const spki = tbs.read(derTag.sequence).raw;
    const prefix = p384SpkiPrefix.length;
    requireFormat(
        spki.length === prefix + 97 && spki.subarray(0, prefix).equals(p384SpkiPrefix) && spki[prefix] === 4,
        'public key is not an uncompressed P-384 point',
    );
    return spki;
}

type ExtensionFields = Pick<DeviceCertificate, 'isCa' | 'pathLength' | 'keyUsage' | 'firmware'>;

function parseExtensions(extensions: Map<string, Extension>): ExtensionFields {
    for (const { id, critical } of extensions.values()) {
        requireFormat(!critical || id === oid.basicConstraints || id === oid.keyUsage, 'unknown critical extension');
    }
    const basicConstraints = extensions.get(oid.basicConstraints);
    const keyUsage = extensions.get(oid.keyUsage);
    requireFormat(keyUsage !== undefined, 'key usage missing');
    return {
        ...(basicConstraints === undefined
            ? { isCa: false, pathLength: null }
            : parseBasicConstraints(basicConstraints.value)),
        keyUsage: parseKeyUsage(keyUsage.value),
        firmware: firmwareOf(extensions),
    };
}

function firmwareOf(extensions: Map<string, Extension>): FirmwareId | null {
    const tcbInfo = extensions.get(diceOid.tcbInfo);
    if (tcbInfo !== undefined) return parseTcbInfo(tcbInfo.value);
    const composite = extensions.get(diceOid.compositeDeviceId);
    return composite === undefined ? null : parseCompositeDeviceId(composite.value);
}
