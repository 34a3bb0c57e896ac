import { createHash } from 'node:crypto';
import { ecdsaWithSha256Algorithm, oid } from '../parse/oids';
import { bitString, der, derTrue, explicit, integer, octetString, oidBytes, sequence, time } from './der-writer';
import { intelDistinguishedName } from './names';
import type { SigningKey } from './signing-key';

export interface CertificateSpec {
    serial: Buffer;
    subject: string;
    issuer: string;
    notBefore: Date;
    notAfter: Date;
    key: SigningKey;
    issuerKey: SigningKey;
    /** Path length of an authority; null for a leaf. */
    pathLength: number | null;
    crlUrl: string;
    sgxExtension?: Buffer;
    /** First byte of the key usage bits; what an authority or a leaf has unless set. */
    keyUsage?: number;
}

/** An X.509 certificate with the fields, extensions and order of Intel's. */
export function mintCertificate(spec: CertificateSpec): Buffer {
    const tbs = sequence(
        explicit(0, integer(2)),
        integer(spec.serial),
        ecdsaWithSha256Algorithm,
        intelDistinguishedName(spec.issuer),
        sequence(time(spec.notBefore), time(spec.notAfter)),
        intelDistinguishedName(spec.subject),
        spec.key.spki,
        explicit(3, extensions(spec)),
    );
    return signedStructure(tbs, spec.issuerKey);
}

/** SEQUENCE { tbs, algorithm, signature }: certificates and revocation lists alike. */
export function signedStructure(tbs: Buffer, key: SigningKey): Buffer {
    return sequence(tbs, key.curve.signatureAlgorithm, bitString(key.signDer(tbs)));
}

function extensions(spec: CertificateSpec): Buffer {
    const usage = spec.keyUsage ?? (spec.pathLength === null ? 0xc0 : 0x06);
    const unusedBits = usage === 0xc0 ? 6 : 1;
    return sequence(
        authorityKeyIdentifier(spec.issuerKey),
        extension(oid.crlDistributionPoints, distributionPoint(spec.crlUrl)),
        extension(oid.subjectKeyIdentifier, octetString(keyIdentifier(spec.key))),
        criticalExtension(oid.keyUsage, bitString(Buffer.from([usage]), unusedBits)),
        criticalExtension(oid.basicConstraints, basicConstraints(spec.pathLength)),
        ...(spec.sgxExtension ? [extension(oid.sgxExtension, spec.sgxExtension)] : []),
    );
}

export function authorityKeyIdentifier(issuerKey: SigningKey): Buffer {
    return extension(oid.authorityKeyIdentifier, sequence(der(0x80, keyIdentifier(issuerKey))));
}

export function extension(id: string, value: Buffer): Buffer {
    return sequence(oidBytes(id), octetString(value));
}

export function criticalExtension(id: string, value: Buffer): Buffer {
    return sequence(oidBytes(id), derTrue, octetString(value));
}

/** The usual SHA-1 of the public key; a name, not a security measure. */
export function keyIdentifier(key: SigningKey): Buffer {
    return createHash('sha1').update(key.publicKey).digest();
}

function distributionPoint(url: string): Buffer {
    return sequence(sequence(der(0xa0, der(0xa0, der(0x86, Buffer.from(url, 'latin1'))))));
}

export function basicConstraints(pathLength: number | null): Buffer {
    return pathLength === null ? sequence() : sequence(derTrue, integer(pathLength));
}

/** A PEM chain, leaf first, as Intel writes it. */
export function toPem(ders: Buffer[]): string {
    return ders
        .map((bytes) => {
            const lines = bytes.toString('base64').match(/.{1,64}/g) ?? [];
            return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`;
        })
        .join('');
}
