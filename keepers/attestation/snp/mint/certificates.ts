import { createHash } from 'node:crypto';
import { extension } from '../../mint/certificates';
import {
    bitString,
    der,
    derTrue,
    explicit,
    integer,
    octetString,
    oidBytes,
    printableString,
    sequence,
    set,
    time,
    utf8String,
} from '../../mint/der-writer';
import { oid } from '../../parse/oids';
import { pssSha384Algorithms } from '../parse/oids';
import type { RsaKey } from './rsa-key';

export interface AmdCertificateSpec {
    serial: Buffer;
    subject: string;
    issuer: string;
    notBefore: Date;
    notAfter: Date;
    key: { spki: Buffer };
    issuerKey: RsaKey;
    extensions: Buffer[];
}

/** An X.509 certificate with the fields and order of AMD's, signed with RSA-PSS. */
export function mintAmdCertificate(spec: AmdCertificateSpec): Buffer {
    const tbs = sequence(
        explicit(0, integer(2)),
        integer(spec.serial),
        pssSha384Algorithms[0]!,
        amdDistinguishedName(spec.issuer),
        sequence(time(spec.notBefore), time(spec.notAfter)),
        amdDistinguishedName(spec.subject),
        spec.key.spki,
        explicit(3, sequence(...spec.extensions)),
    );
    return signedPss(tbs, spec.issuerKey);
}

export interface AmdCrlSpec {
    issuer: string;
    issuerKey: RsaKey;
    thisUpdate: Date;
    nextUpdate: Date;
    revokedSerials: Buffer[];
}

export function mintAmdCrl(spec: AmdCrlSpec): Buffer {
    const entries = spec.revokedSerials.map((serial) => sequence(integer(serial), time(spec.thisUpdate)));
    const tbs = sequence(
        integer(1),
        pssSha384Algorithms[0]!,
        amdDistinguishedName(spec.issuer),
        time(spec.thisUpdate),
        time(spec.nextUpdate),
        ...(entries.length > 0 ? [sequence(...entries)] : []),
        explicit(0, sequence(extension(oid.crlNumber, integer(1)))),
    );
    return signedPss(tbs, spec.issuerKey);
}

function signedPss(tbs: Buffer, key: RsaKey): Buffer {
    return sequence(tbs, pssSha384Algorithms[0]!, bitString(key.sign(tbs)));
}

/** What makes an authority: key identifiers, CA flag, path length, and which signatures it may make. */
export function authorityExtensions(of: {
    key: RsaKey;
    issuerKey: RsaKey;
    pathLength: number | null;
    keyUsage: number;
    crlUrl: string;
}): Buffer[] {
    const { key, issuerKey, pathLength, keyUsage, crlUrl } = of;
    const constraints = pathLength === null ? sequence(derTrue) : sequence(derTrue, integer(pathLength));
    return [
        extension(oid.subjectKeyIdentifier, octetString(keyIdentifier(key))),
        extension(oid.authorityKeyIdentifier, sequence(der(0x80, keyIdentifier(issuerKey)))),
        criticalExtension(oid.basicConstraints, constraints),
        criticalExtension(oid.keyUsage, bitString(Buffer.from([keyUsage]), 1)),
        extension(
            oid.crlDistributionPoints,
            sequence(sequence(der(0xa0, der(0xa0, der(0x86, Buffer.from(crlUrl, 'latin1')))))),
        ),
    ];
}

function criticalExtension(id: string, value: Buffer): Buffer {
    return sequence(oidBytes(id), derTrue, octetString(value));
}

/** The usual SHA-1 of the public key; a name, not a security measure. */
function keyIdentifier({ spki }: RsaKey): Buffer {
    return createHash('sha1').update(spki).digest();
}

const organizationalUnitName = '55040b';

/** In the order and with the string types of AMD's: OU, C, L, ST, O, CN. */
function amdDistinguishedName(commonName: string): Buffer {
    const attribute = (id: string, value: Buffer) => set(sequence(oidBytes(id), value));
    return sequence(
        attribute(organizationalUnitName, utf8String('Engineering')),
        attribute(oid.countryName, printableString('US')),
        attribute(oid.localityName, utf8String('Santa Clara')),
        attribute(oid.stateOrProvinceName, utf8String('CA')),
        attribute(oid.organizationName, utf8String('Advanced Micro Devices')),
        attribute(oid.commonName, utf8String(commonName)),
    );
}
