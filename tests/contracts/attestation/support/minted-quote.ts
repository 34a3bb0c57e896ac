import { createHash, randomBytes } from 'node:crypto';
import {
    createDevelopmentPki,
    createPlatform,
    mintCollateral,
    type Collateral,
    type DevelopmentPki,
} from '../../../../keepers/attestation';
import type { CollateralOptions } from '../../../../keepers/attestation/mint/collateral';
import { SigningKey } from '../../../../keepers/attestation/mint/signing-key';
import {
    caExtensions,
    CertificateOptions,
    createKeyPair,
    KeyPair,
    leafExtensions,
    mintCertificate,
    signRaw,
} from './minted-certificate';

/** The keys of a development network's whole chain of trust. */
export interface Authority {
    pki: DevelopmentPki;
    root: KeyPair;
    ca: KeyPair;
    pck: KeyPair;
    attestation: KeyPair;
}

export function createAuthority(): Authority {
    const seed = randomBytes(32);
    const pki = createDevelopmentPki({ seed, now: new Date(mintedAtSec * 1000) });
    return {
        pki,
        root: keyPairOf(pki.root.key),
        ca: keyPairOf(pki.platformCa.key),
        pck: keyPairOf(new SigningKey(seed, 'pck:platform')),
        attestation: createKeyPair(),
    };
}

function keyPairOf(key: SigningKey): KeyPair {
    return { sign: (bytes) => key.sign(bytes), point: key.publicKey.subarray(1) };
}

/** What judges the quotes minted here. */
export function collateralOf({ pki }: Authority, options: CollateralOptions = {}): Collateral {
    const fmspc = Buffer.from('b0c06f000000', 'hex');
    return mintCollateral(pki, createPlatform(pki, { facts: { fmspc } }), options);
}

/** 2025-07-20, when every minted certificate is valid unless asked otherwise. */
export const mintedAtSec = 1_752_969_600;
const yearSec = 31_557_600;

export interface MintOptions {
    authority: Authority;
    ppid?: Buffer;
    bundleHash?: Buffer;
    mcRootHash?: Buffer;
    authData?: Buffer;
    /** 5 comes with a TD 1.5 body */
    version?: 4 | 5;
    /** changes made before signing: header and body, QE report */
    alterQuote?: (signedBytes: Buffer) => void;
    alterQeReport?: (report: Buffer) => void;
    leaf?: Partial<CertificateOptions>;
    ca?: Partial<CertificateOptions>;
}

export const ppidOfMint = Buffer.alloc(16, 0x5a);
const qeVendorId = Buffer.from('939a7233f79c4ca9940a0db3957f0607', 'hex');
const qeSigner = Buffer.from('dc9e2a7c6f948f17474e34a7fc43ed030f7c1563f1babddf6340c82e0e54a8c5', 'hex');

/** Of a TDX module that minted TCB info calls up to date. */
const moduleSvns = Buffer.from('0b010400000000000000000000000000', 'hex');

/** Bytes that differ from place to place, so that a swapped field shows. */
function filler(label: string, length: number): Buffer {
    const bytes = Buffer.alloc(length);
    for (let at = 0; at < length; at += 32) {
        createHash('sha256').update(`${label} ${at}`).digest().copy(bytes, at);
    }
    return bytes;
}

function mintSignedBytes({ version = 4, bundleHash, mcRootHash, alterQuote }: MintOptions): Buffer {
    const header = Buffer.alloc(48);
    header.writeUInt16LE(version, 0);
    header.writeUInt16LE(2, 2);
    header.writeUInt32LE(0x81, 4);
    qeVendorId.copy(header, 12);
    const bodyHeader = version === 5 ? Buffer.from('030088020000', 'hex') : Buffer.alloc(0);
    const body = filler('body', version === 5 ? 648 : 584);
    moduleSvns.copy(body, 0);
    if (version === 5) moduleSvns.copy(body, 584);
    body.fill(0, 64, 128);
    body[123] = 0x10;
    (bundleHash ?? filler('bundle', 32)).copy(body, 520);
    (mcRootHash ?? filler('block', 32)).copy(body, 552);
    const bytes = Buffer.concat([header, bodyHeader, body]);
    alterQuote?.(bytes);
    return bytes;
}

function mintQeReport(options: MintOptions, authData: Buffer): Buffer {
    const report = filler('report', 384);
    report.fill(0, 16, 20).fill(0, 48, 64).writeUInt8(0x15, 48);
    report.writeUInt16LE(7, 258);
    qeSigner.copy(report, 128);
    report.writeUInt16LE(2, 256);
    createHash('sha256').update(options.authority.attestation.point).update(authData).digest().copy(report, 320);
    report.fill(0, 352);
    options.alterQeReport?.(report);
    return report;
}

function mintChain({ authority, ppid = ppidOfMint, leaf, ca }: MintOptions): Buffer {
    const validity = { notBeforeSec: mintedAtSec - yearSec, notAfterSec: mintedAtSec + yearSec };
    const rootName = 'Intel SGX Root CA';
    const caName = 'Intel SGX PCK Platform CA';
    const leafDer = mintCertificate({
        subject: 'Intel SGX PCK Certificate',
        issuer: caName,
        key: authority.pck,
        issuerKey: authority.ca,
        extensions: leafExtensions(ppid),
        ...validity,
        ...leaf,
    });
    const caKeys = { key: authority.ca, issuerKey: authority.root };
    const rootKeys = { key: authority.root, issuerKey: authority.root };
    const asCa = { extensions: caExtensions(), issuer: rootName, ...validity };
    const caDer = mintCertificate({ subject: caName, ...caKeys, ...asCa, ...ca });
    const rootDer = mintCertificate({ subject: rootName, ...rootKeys, ...asCa });
    return Buffer.from([leafDer, caDer, rootDer].map(toPem).join(''), 'latin1');
}

function toPem(der: Buffer): string {
    const lines = der.toString('base64').match(/.{1,64}/g)!;
    return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`;
}

function sized(type: number, data: Buffer): Buffer {
    const header = Buffer.alloc(6);
    header.writeUInt16LE(type, 0);
    header.writeUInt32LE(data.length, 2);
    return Buffer.concat([header, data]);
}

/** A quote in Intel's format under a development root, with whatever is wrong about it signed along. */
export function mintQuote(options: MintOptions): Buffer {
    const { authority, authData = filler('auth', 32) } = options;
    const signedBytes = mintSignedBytes(options);
    const report = mintQeReport(options, authData);
    const authLength = Buffer.alloc(2);
    authLength.writeUInt16LE(authData.length);
    const certification = Buffer.concat([
        report,
        signRaw(authority.pck, report),
        authLength,
        authData,
        sized(5, mintChain(options)),
    ]);
    const signatureData = Buffer.concat([
        signRaw(authority.attestation, signedBytes),
        authority.attestation.point,
        sized(6, certification),
    ]);
    const signatureLength = Buffer.alloc(4);
    signatureLength.writeUInt32LE(signatureData.length);
    return Buffer.concat([signedBytes, signatureLength, signatureData]);
}
