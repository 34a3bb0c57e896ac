import {
    authorityKeyIdentifier,
    criticalExtension,
    extension,
    keyIdentifier,
    signedStructure,
} from '../../mint/certificates';
import {
    bitString,
    derTrue,
    explicit,
    integer,
    octetString,
    oidBytes,
    sequence,
    set,
    time,
    utf8String,
} from '../../mint/der-writer';
import { derivedBytes, p384, SigningKey } from '../../mint/signing-key';
import { oid } from '../../parse/oids';
import type { GpuArchitecture } from '../evidence-document';

/** A certificate with its key. */
export interface GpuCertificate {
    der: Buffer;
    key: SigningKey;
    name: string;
}

export type GpuAuthority = 'root' | 'identity' | 'provisioner';

/**
 * A development counterpart of NVIDIA's device identities: same names, same structure, another root key. Everything is
 * derived from the seed and the date, so the same two make the same bytes.
 */
export interface GpuPki {
    seed: Buffer;
    now: Date;
    /** Uncompressed P-384 point, 97 bytes: what a development network pins. */
    rootPublicKey: Buffer;
    root: GpuCertificate;
    /** By chip. */
    chips: Record<GpuArchitecture, { chip: string; identity: GpuCertificate; provisioner: GpuCertificate }>;
}

export interface GpuPkiOptions {
    seed: Buffer;
    now: Date;
    /** Changes to what is minted, by role: for evidence that must be refused. */
    certificates?: Partial<Record<GpuAuthority, GpuCertificateChanges>>;
}

export interface GpuCertificateSpec {
    serial: Buffer;
    subject: string;
    issuer: string;
    notBefore: Date;
    notAfter: Date;
    key: SigningKey;
    issuerKey: SigningKey;
    isCa: boolean;
    /** Of an authority, where it is bounded; NVIDIA's are not. */
    pathLength?: number;
    /** First byte of the key usage bits. */
    keyUsage: number;
    extensions: Buffer[];
}

export type GpuCertificateChanges = Partial<Omit<GpuCertificateSpec, 'serial' | 'key'>>;

const keyUsage = { signature: 0x80, certificates: 0x04, certificatesAndLists: 0x06 } as const;
const chipOf: Record<GpuArchitecture, string> = { HOPPER: 'GH100', BLACKWELL: 'GB100' };
const rootName = 'NVIDIA Device Identity CA';

export function createGpuPki({ seed, now, certificates = {} }: GpuPkiOptions): GpuPki {
    const second = new Date(Math.floor(now.getTime() / 1000) * 1000);
    const authority = (role: GpuAuthority, subject: string, issuer?: GpuCertificate): GpuCertificate =>
        issueGpuCertificate(
            { seed, now: second },
            { subject, issuer, isCa: true, keyUsage: keyUsage.certificatesAndLists, ...certificates[role] },
        );
    const root = authority('root', rootName);
    const chipAuthorities = (chip: string) => {
        const identity = authority('identity', `NVIDIA ${chip} Identity`, root);
        return { chip, identity, provisioner: authority('provisioner', `NVIDIA ${chip} Provisioner ICA 1`, identity) };
    };
    return {
        seed,
        now: second,
        rootPublicKey: root.key.publicKey,
        root,
        chips: { HOPPER: chipAuthorities(chipOf.HOPPER), BLACKWELL: chipAuthorities(chipOf.BLACKWELL) },
    };
}

/** What `issueGpuCertificate` fills in unless told. */
type Issue = Pick<GpuCertificateSpec, 'subject' | 'isCa' | 'keyUsage'> &
    Partial<Omit<GpuCertificateSpec, 'issuer' | 'key'>> & {
        /** Itself where absent. A name alone leaves the signer as it is. */
        issuer?: GpuCertificate | string;
        /** Tells keys of the same name apart. */
        label?: string;
    };

/** Issues a certificate whose key is derived from its name (and label); valid from yesterday for twenty years. */
export function issueGpuCertificate({ seed, now }: { seed: Buffer; now: Date }, issue: Issue): GpuCertificate {
    const { issuer, label = issue.subject, ...changes } = issue;
    const key = new SigningKey(seed, `gpu:${label}`, p384);
    const signer = typeof issuer === 'object' ? issuer : { name: issuer ?? issue.subject, key };
    const dayMs = 24 * 3600 * 1000;
    const spec: GpuCertificateSpec = {
        serial: serialOf(seed, label),
        issuer: signer.name,
        notBefore: new Date(now.getTime() - dayMs),
        notAfter: new Date(now.getTime() + 20 * 365 * dayMs),
        key,
        issuerKey: signer.key,
        extensions: [],
        ...changes,
    };
    return { der: mintGpuCertificate(spec), key, name: spec.subject };
}

/** 20 bytes, positive, with a first byte that is not zero: the length of NVIDIA's. */
function serialOf(seed: Buffer, label: string): Buffer {
    const serial = Buffer.from(derivedBytes(seed, `gpu serial:${label}`, 20));
    serial[0] = (serial[0]! & 0x3f) | 0x40;
    return serial;
}

function mintGpuCertificate(spec: GpuCertificateSpec): Buffer {
    const tbs = sequence(
        explicit(0, integer(2)),
        integer(spec.serial),
        spec.issuerKey.curve.signatureAlgorithm,
        distinguishedName(spec.issuer),
        sequence(time(spec.notBefore), time(spec.notAfter)),
        distinguishedName(spec.subject),
        spec.key.spki,
        explicit(3, extensionsOf(spec)),
    );
    return signedStructure(tbs, spec.issuerKey);
}

function extensionsOf({ key, issuerKey, isCa, pathLength, keyUsage: usage, extensions }: GpuCertificateSpec): Buffer {
    const constraints = sequence(derTrue, ...(pathLength === undefined ? [] : [integer(pathLength)]));
    return sequence(
        ...(isCa ? [criticalExtension(oid.basicConstraints, constraints)] : []),
        criticalExtension(oid.keyUsage, bitString(Buffer.from([usage]), unusedBits(usage))),
        extension(oid.subjectKeyIdentifier, octetString(keyIdentifier(key))),
        authorityKeyIdentifier(issuerKey),
        ...extensions,
    );
}

function unusedBits(byte: number): number {
    return Math.clz32(byte & -byte) === 32 ? 0 : 31 - Math.clz32(byte & -byte);
}

function distinguishedName(commonName: string): Buffer {
    const attribute = (id: string, value: string) => set(sequence(oidBytes(id), utf8String(value)));
    return sequence(attribute(oid.commonName, commonName), attribute(oid.organizationName, 'NVIDIA Corporation'));
}
