import { createHash } from 'node:crypto';
import { extension, toPem } from '../../mint/certificates';
import { der, integer } from '../../mint/der-writer';
import { derivedBytes, p384, SigningKey } from '../../mint/signing-key';
import { amdOid } from '../parse/oids';
import type { SigningKeyKind } from '../parse/report';
import { authorityNameOf, leafName, products, rootNameOf, type Product, type ProductLine } from '../product';
import { patchLevelNumber, partsOf, writeTcb, type TcbVersion } from '../tcb';
import {
    authorityExtensions,
    mintAmdCertificate,
    mintAmdCrl,
    type AmdCertificateSpec,
    type AmdCrlSpec,
} from './certificates';
import { RsaKey } from './rsa-key';

export interface MintedAuthority {
    der: Buffer;
    serial: Buffer;
    key: RsaKey;
    name: string;
}

/**
 * A development counterpart of AMD's key infrastructure for one product line: same names and formats, other keys, of 2048 bits
 * for speed. Keys follow from the seed alone, so that node, gateway and key service of a development network agree.
 */
export interface SnpDevelopmentPki {
    seed: Buffer;
    now: Date;
    product: Product;
    root: MintedAuthority;
    /** Authority over chip-bound keys (ASK) and over those lent to providers (ASVK). */
    authorities: Record<SigningKeyKind, MintedAuthority>;
    /** SHA-256 of the root's public key: what a verifier of this network is given. */
    rootKeyHash: Buffer;
}

export type SnpCertificateChanges = Partial<AmdCertificateSpec>;

/** What an authority's certificate says of its role; changed only to make evidence that must be refused. */
export interface AuthorityChanges extends SnpCertificateChanges {
    pathLength?: number | null;
    keyUsage?: number;
}

export interface SnpPkiOptions {
    seed: Buffer;
    now: Date;
    line?: ProductLine;
    certificates?: Partial<Record<'root' | 'authority', AuthorityChanges>>;
}

const yearMs = 365 * 24 * 3600 * 1000;
const keyUsages = { root: 0x06, authority: 0x04 };

export function snpDevelopmentRootKeyHash(seed: Buffer, line: ProductLine = 'Milan'): Buffer {
    return createHash('sha256')
        .update(RsaKey.derive(seed, `snp:${line}:root`).spki)
        .digest();
}

export function createSnpDevelopmentPki(options: SnpPkiOptions): SnpDevelopmentPki {
    const { seed, line = 'Milan', certificates = {} } = options;
    const now = new Date(Math.floor(options.now.getTime() / 1000) * 1000);
    const product = products[line];
    const rootKey = RsaKey.derive(seed, `snp:${line}:root`);
    const mint = (role: 'root' | 'authority', kind: SigningKeyKind, serial: string): MintedAuthority => {
        const isRoot = role === 'root';
        const changes = certificates[role] ?? {};
        const key = isRoot ? rootKey : RsaKey.derive(seed, `snp:${line}:${kind}`);
        const spec = {
            serial: Buffer.from(serial, 'hex'),
            subject: isRoot ? rootNameOf(product) : authorityNameOf(product, kind),
            issuer: rootNameOf(product),
            ...validity(now, 25),
            key,
            issuerKey: rootKey,
            extensions: authorityExtensions({
                key,
                issuerKey: rootKey,
                pathLength: changes.pathLength === undefined ? (isRoot ? null : 0) : changes.pathLength,
                keyUsage: changes.keyUsage ?? keyUsages[role],
                crlUrl: `https://kdsintf.amd.com/vcek/v1/${line}/crl`,
            }),
            ...changes,
        };
        return { der: mintAmdCertificate(spec), serial: spec.serial, key, name: spec.subject };
    };
    return {
        seed,
        now,
        product,
        root: mint('root', 'vcek', '010000'),
        authorities: { vcek: mint('authority', 'vcek', '010001'), vlek: mint('authority', 'vlek', '010002') },
        rootKeyHash: snpDevelopmentRootKeyHash(seed, line),
    };
}

/** PEM of authority and root, in the order of the key distribution service. */
export function chainOf({ authorities, root }: SnpDevelopmentPki, kind: SigningKeyKind): string {
    return toPem([authorities[kind].der, root.der]);
}

/** A day in the past, against clocks that run apart. */
function validity(now: Date, years: number): { notBefore: Date; notAfter: Date } {
    return {
        notBefore: new Date(now.getTime() - 24 * 3600 * 1000),
        notAfter: new Date(now.getTime() + years * yearMs),
    };
}

/** The key that signs reports of one chip (or of one provider's machines) at one firmware, and its certificate. */
export interface MintedEndorsementKey {
    der: Buffer;
    key: SigningKey;
}

export interface EndorsementKeyOptions {
    kind?: SigningKeyKind;
    /** 64 bytes, or 8 for Turin; of a VLEK, only what its key is derived from. */
    chipId: Buffer;
    tcb: TcbVersion;
    certificate?: SnpCertificateChanges;
    /** In place of what chip and firmware make of them; null leaves one out. */
    extensions?: Partial<Record<'productName' | 'hardwareId' | 'cspId', Buffer | null>> & { tcb?: TcbVersion };
}

export function mintEndorsementKey(pki: SnpDevelopmentPki, options: EndorsementKeyOptions): MintedEndorsementKey {
    const { kind = 'vcek', chipId, tcb, certificate } = options;
    const { product, seed, now, authorities } = pki;
    const firmware = writeTcb(tcb, product.line).toString('hex');
    const key = new SigningKey(seed, `${kind}:${product.line}:${chipId.toString('hex')}:${firmware}`, p384);
    const spec = {
        serial: Buffer.from([0]),
        subject: leafName[kind],
        issuer: authorities[kind].name,
        ...validity(now, kind === 'vcek' ? 7 : 1),
        key,
        issuerKey: authorities[kind].key,
        extensions: endorsementExtensions(product, kind, options),
        ...certificate,
    };
    return { der: mintAmdCertificate(spec), key };
}

const ia5String = (text: string): Buffer => der(0x16, Buffer.from(text, 'latin1'));

function endorsementExtensions(
    product: Product,
    kind: SigningKeyKind,
    { chipId, tcb, extensions = {} }: EndorsementKeyOptions,
): Buffer[] {
    const levels = extensions.tcb ?? tcb;
    const pick = (name: 'productName' | 'hardwareId' | 'cspId', value: Buffer | null) =>
        extensions[name] === undefined ? value : extensions[name];
    const stepping = kind === 'vcek' ? '-B0' : '';
    const values: [string, Buffer | null][] = [
        [amdOid.structVersion, integer(product.line === 'Turin' ? 1 : 0)],
        [amdOid.productName, pick('productName', ia5String(`${product.line}${stepping}`))],
        ...partsOf(product.line).map((part): [string, Buffer] => [
            amdOid.securityPatchLevel(patchLevelNumber[part]),
            integer(levels[part] ?? 0),
        ]),
        [amdOid.hardwareId, pick('hardwareId', kind === 'vcek' ? chipId : null)],
        [amdOid.cspId, pick('cspId', kind === 'vlek' ? ia5String('CN=development.example') : null)],
    ];
    return values.flatMap(([id, value]) => (value === null ? [] : [extension(id, value)]));
}

/** The root's revocation list, in force for half a year from a minute ago. */
export function mintSnpCrl({ root, now }: SnpDevelopmentPki, changes: Partial<AmdCrlSpec> = {}): Buffer {
    return mintAmdCrl({
        issuer: root.name,
        issuerKey: root.key,
        thisUpdate: new Date(now.getTime() - 60_000),
        nextUpdate: new Date(now.getTime() + yearMs / 2),
        revokedSerials: [],
        ...changes,
    });
}

/** Chip ids of a development network: one for each name. */
export function developmentChipId({ seed, product }: SnpDevelopmentPki, name: string): Buffer {
    return derivedBytes(seed, `chip:${name}`, product.chipIdLength);
}
