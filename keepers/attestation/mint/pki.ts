import type { PlatformFacts } from '../parse/sgx-extension';
import { intelName } from '../verify/certificate-chain';
import { mintCertificate, type CertificateSpec } from './certificates';
import { sgxExtension } from './sgx-extension';
import { derivedBytes, SigningKey } from './signing-key';

export type Authority = 'platform' | 'processor';

/** A certificate with its key. */
export interface MintedCertificate {
    der: Buffer;
    serial: Buffer;
    key: SigningKey;
    name: string;
}

/**
 * A development counterpart of Intel's key infrastructure: same names, same structure, another root key. Everything is
 * derived from the seed and the date, so the same two make the same bytes.
 */
export interface DevelopmentPki {
    seed: Buffer;
    now: Date;
    /** Uncompressed point, 65 bytes: what a development network pins. */
    rootPublicKey: Buffer;
    root: MintedCertificate;
    platformCa: MintedCertificate;
    processorCa: MintedCertificate;
    tcbSigner: MintedCertificate;
}

export interface PkiOptions {
    seed: Buffer;
    now: Date;
    /** Changes to what is minted, by role: for evidence that must be refused. */
    certificates?: Partial<Record<'root' | 'platformCa' | 'processorCa' | 'tcbSigner', CertificateChanges>>;
}

export type CertificateChanges = Partial<Omit<CertificateSpec, 'serial' | 'key'>>;

/** What every PCK platform certificate of the development network says unless its platform says otherwise. */
export const defaultFacts = {
    fmspc: Buffer.from('90c06f000000', 'hex'),
    pceId: Buffer.from('0000', 'hex'),
    components: [4, 4, 2, 2, 4, 1, 0, 6, 0, 0, 0, 0, 0, 0, 0, 0],
    pceSvn: 13,
};

const rootCrlUrl = 'https://certificates.trustedservices.intel.com/IntelSGXRootCA.der';
const pckCrlUrl = (ca: Authority) =>
    `https://api.trustedservices.intel.com/sgx/certification/v4/pckcrl?ca=${ca}&encoding=der`;

const yearMs = 365 * 24 * 3600 * 1000;

export function createDevelopmentPki({ seed, now, certificates = {} }: PkiOptions): DevelopmentPki {
    const second = new Date(Math.floor(now.getTime() / 1000) * 1000);
    const rootKey = new SigningKey(seed, 'root');
    const mint = (role: keyof NonNullable<PkiOptions['certificates']>, name: string, pathLength: number | null) => {
        const key = role === 'root' ? rootKey : new SigningKey(seed, role);
        const spec = {
            serial: serialOf(seed, role),
            subject: name,
            issuer: intelName.root,
            ...validity(second, role === 'root' ? 20 : 7),
            key,
            issuerKey: rootKey,
            pathLength,
            crlUrl: rootCrlUrl,
            ...certificates[role],
        };
        return { der: mintCertificate(spec), serial: spec.serial, key, name: spec.subject };
    };
    return {
        seed,
        now: second,
        rootPublicKey: rootKey.publicKey,
        root: mint('root', intelName.root, 1),
        platformCa: mint('platformCa', intelName.platformCa, 0),
        processorCa: mint('processorCa', intelName.processorCa, 0),
        tcbSigner: mint('tcbSigner', intelName.tcbSigner, null),
    };
}

/** A day in the past, against clocks that run apart, to some years ahead. */
function validity(now: Date, years: number): { notBefore: Date; notAfter: Date } {
    return {
        notBefore: new Date(now.getTime() - 24 * 3600 * 1000),
        notAfter: new Date(now.getTime() + years * yearMs),
    };
}

/** 20 bytes, positive, with a first byte that is not zero: the length of Intel's. */
function serialOf(seed: Buffer, label: string): Buffer {
    const serial = Buffer.from(derivedBytes(seed, `serial:${label}`, 20));
    serial[0] = (serial[0]! & 0x3f) | 0x40;
    return serial;
}

/** One machine of a development network. */
export interface DevelopmentPlatform {
    facts: PlatformFacts;
    authority: MintedCertificate;
    pck: MintedCertificate;
}

export interface PlatformOptions {
    /** Machines of different names have different PPIDs and keys. */
    name?: string;
    authority?: Authority;
    facts?: Partial<PlatformFacts>;
    certificate?: CertificateChanges;
    /** Bytes in place of Intel's extension, or null for none. */
    sgxExtension?: Buffer | null;
}

/** Issues the PCK certificate of a machine. */
export function createPlatform(pki: DevelopmentPki, options: PlatformOptions = {}): DevelopmentPlatform {
    const { name = 'platform', authority = 'platform' } = options;
    const issuer = authority === 'platform' ? pki.platformCa : pki.processorCa;
    const facts = { ...defaultFacts, ppid: derivedBytes(pki.seed, `ppid:${name}`, 16), ...options.facts };
    const instanceId = authority === 'platform' ? derivedBytes(pki.seed, `instance:${name}`, 16) : null;
    const extension = options.sgxExtension === undefined ? sgxExtension(facts, instanceId) : options.sgxExtension;
    const key = new SigningKey(pki.seed, `pck:${name}`);
    const spec = {
        serial: serialOf(pki.seed, `pck:${name}`),
        subject: intelName.pck,
        issuer: issuer.name,
        ...validity(pki.now, 7),
        key,
        issuerKey: issuer.key,
        pathLength: null,
        crlUrl: pckCrlUrl(authority),
        ...(extension && { sgxExtension: extension }),
        ...options.certificate,
    };
    const pck = { der: mintCertificate(spec), serial: spec.serial, key, name: spec.subject };
    return { facts, authority: issuer, pck };
}
