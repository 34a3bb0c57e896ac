import { createHash } from 'node:crypto';
import type { Collateral } from '../collateral-shape';
import {
    bodyLength,
    bodyType as bodyTypes,
    certificationType,
    ecdsaP256KeyType,
    enclaveField,
    enclaveReportLength,
    intelQeVendorId,
    tdField,
    teeType,
    type BodyType,
} from '../parse/quote-layout';
import { toPem } from './certificates';
import { mintCollateral, type CollateralOptions } from './collateral';
import { createPlatform, type DevelopmentPki, type DevelopmentPlatform } from './pki';
import { quotingEnclave, type Tee } from './signed-texts';
import { derivedBytes, SigningKey } from './signing-key';

/** Registers of a minted TD; those not given are zero, as registers that nothing extended. */
export type MintedMeasurements = Partial<
    Record<'mrtd' | 'rtmr0' | 'rtmr1' | 'rtmr2' | 'rtmr3' | 'mrSeam' | 'mrConfigId' | 'mrOwner', Buffer>
>;

type TdFieldName = keyof typeof tdField;
type EnclaveFieldName = keyof typeof enclaveField;

/** Parts of a quote that are not the body; changes to them make evidence that must be refused. */
export interface QuoteChanges {
    version?: number;
    keyType?: number;
    teeType?: number;
    qeVendorId?: Buffer;
    bodyTypeNumber?: number;
    qeReport?: Partial<Record<EnclaveFieldName, Buffer>>;
    authData?: Buffer;
    /** In place of the attestation key's own point. */
    attestationKey?: Buffer;
    /** In place of the PEM chain. */
    pckChain?: Buffer;
    outerCertificationType?: number;
    certificationType?: number;
    /** Signs the QE report in place of the PCK key. */
    qeReportSigner?: SigningKey;
    /** Signs the quote in place of the attestation key. */
    quoteSigner?: SigningKey;
}

export interface MintQuoteOptions {
    pki: DevelopmentPki;
    /** The machine; one named "platform" unless given. */
    platform?: DevelopmentPlatform;
    /** 64 bytes. */
    reportData: Buffer;
    changes?: QuoteChanges;
    collateral?: CollateralOptions;
    /** Zero bytes behind the quote, up to this length, as clouds deliver it. */
    padTo?: number;
}

export interface MintTdxQuoteOptions extends MintQuoteOptions {
    version?: 4 | 5;
    /** Of version 5: TD 1.0, 1.5 or extended; 1.5 unless given. */
    bodyType?: 2 | 3 | 4;
    measurements?: MintedMeasurements;
    tdAttributes?: Buffer;
    xfam?: Buffer;
    teeTcbSvn?: Buffer;
    teeTcbSvn2?: Buffer;
    mrServiceTd?: Buffer;
    /** Any other field of the body. */
    fields?: Partial<Record<TdFieldName, Buffer>>;
}

export interface MintSgxQuoteOptions extends MintQuoteOptions {
    version?: 3 | 5;
    fields?: Partial<Record<EnclaveFieldName, Buffer>>;
}

export interface MintedEvidence {
    quote: Buffer;
    collateral: Collateral;
    platform: DevelopmentPlatform;
}

/** SEPT_VE_DISABLE, as current guests are launched. */
const defaultTdAttributes = Buffer.from('0000001000000000', 'hex');
const defaultXfam = Buffer.from('e702060000000000', 'hex');
const defaultTeeTcbSvn = Buffer.from('0b010400000000000000000000000000', 'hex');

/** A TDX quote of the real format with the collateral that judges it, up to date unless told otherwise. */
export function mintTdxQuote(options: MintTdxQuoteOptions): MintedEvidence {
    const version = options.version ?? 4;
    const bodyType = version === 4 ? bodyTypes.td10 : (options.bodyType ?? bodyTypes.td15);
    return mintEvidence(options, { version, bodyType, tee: 'tdx', body: tdBody(options, bodyType) });
}

/** An SGX quote of the real format with its collateral. */
export function mintSgxQuote(options: MintSgxQuoteOptions): MintedEvidence {
    const body = enclaveReport({
        attributes: Buffer.from('0500000000000000e700000000000000', 'hex'),
        mrEnclave: derivedBytes(options.pki.seed, 'enclave', 32),
        mrSigner: derivedBytes(options.pki.seed, 'enclave signer', 32),
        reportData: options.reportData,
        ...options.fields,
    });
    return mintEvidence(options, { version: options.version ?? 3, bodyType: bodyTypes.sgxEnclave, tee: 'sgx', body });
}

interface Content {
    version: number;
    bodyType: BodyType;
    tee: Tee;
    body: Buffer;
}

function mintEvidence(options: MintQuoteOptions, content: Content): MintedEvidence {
    const { pki } = options;
    const platform = options.platform ?? createPlatform(pki);
    const attestationKey = new SigningKey(pki.seed, `attestation:${platform.facts.ppid.toString('hex')}`);
    const changes = options.changes ?? {};
    const signed = Buffer.concat([quoteHeader(content, changes), content.body]);
    const auth = authData({ pki, platform, attestationKey, tee: content.tee, version: content.version, changes });
    const signature = (changes.quoteSigner ?? attestationKey).sign(signed);
    const quote = Buffer.concat([signed, u32(signature.length + auth.length), signature, auth]);
    const padding = Buffer.alloc(Math.max(0, (options.padTo ?? 0) - quote.length));
    const collateral = mintCollateral(pki, platform, { tee: content.tee, ...options.collateral });
    return { quote: Buffer.concat([quote, padding]), collateral, platform };
}

function tdBody(options: MintTdxQuoteOptions, type: BodyType): Buffer {
    const { mrtd, ...registers } = options.measurements ?? {};
    const teeTcbSvn = options.teeTcbSvn ?? defaultTeeTcbSvn;
    return fill(bodyLength[type], tdField, {
        teeTcbSvn,
        tdAttributes: options.tdAttributes ?? defaultTdAttributes,
        xfam: options.xfam ?? defaultXfam,
        reportData: options.reportData,
        ...(mrtd && { mrTd: mrtd }),
        ...registers,
        ...(type >= bodyTypes.td15 && {
            teeTcbSvn2: options.teeTcbSvn2 ?? teeTcbSvn,
            ...(options.mrServiceTd && { mrServiceTd: options.mrServiceTd }),
        }),
        ...options.fields,
    });
}

function enclaveReport(fields: Partial<Record<EnclaveFieldName, Buffer>>): Buffer {
    return fill(enclaveReportLength, enclaveField, fields);
}

function fill<Name extends string>(
    length: number,
    layout: Record<Name, readonly [number, number]>,
    values: Partial<Record<Name, Buffer>>,
): Buffer {
    const bytes = Buffer.alloc(length);
    for (const [name, value] of Object.entries(values) as [Name, Buffer][]) {
        const [offset, size] = layout[name];
        if (value.length !== size) {
            throw new RangeError(`${name} is ${size} bytes, not ${value.length}`);
        }
        value.copy(bytes, offset);
    }
    return bytes;
}

function quoteHeader(content: Content, changes: QuoteChanges): Buffer {
    const version = changes.version ?? content.version;
    const header = Buffer.alloc(48);
    header.writeUInt16LE(version, 0);
    header.writeUInt16LE(changes.keyType ?? ecdsaP256KeyType, 2);
    header.writeUInt32LE(changes.teeType ?? teeType[content.tee], 4);
    (changes.qeVendorId ?? intelQeVendorId).copy(header, 12);
    if (content.version < 5) {
        return header;
    }
    const descriptor = [u16(changes.bodyTypeNumber ?? content.bodyType), u32(bodyLength[content.bodyType])];
    return Buffer.concat([header, ...descriptor]);
}

interface AuthContext {
    pki: DevelopmentPki;
    platform: DevelopmentPlatform;
    attestationKey: SigningKey;
    tee: Tee;
    version: number;
    changes: QuoteChanges;
}

/** Everything behind the quote's signature: attestation key, QE report, its signature, PCK chain. */
function authData(context: AuthContext): Buffer {
    const { platform, pki, changes } = context;
    const attestationKey = changes.attestationKey ?? context.attestationKey.publicKey.subarray(1);
    const extra = changes.authData ?? Buffer.from(Array.from({ length: 32 }, (_, i) => i));
    const report = qeReport(context, createHash('sha256').update(attestationKey).update(extra).digest());
    const chain =
        changes.pckChain ?? Buffer.from(toPem([platform.pck.der, platform.authority.der, pki.root.der]) + '\0');
    const inner = Buffer.concat([
        report,
        (changes.qeReportSigner ?? platform.pck.key).sign(report),
        u16(extra.length),
        extra,
        u16(changes.certificationType ?? certificationType.pckChain),
        u32(chain.length),
        chain,
    ]);
    const wrapper = [u16(changes.outerCertificationType ?? certificationType.qeReport), u32(inner.length)];
    return Buffer.concat([attestationKey, ...(context.version === 3 ? [] : wrapper), inner]);
}

function qeReport({ platform, pki, tee, changes }: AuthContext, keyHash: Buffer): Buffer {
    const enclave = quotingEnclave[tee];
    return enclaveReport({
        cpuSvn: Buffer.from(platform.facts.components),
        attributes: Buffer.from('1500000000000000e700000000000000', 'hex'),
        mrEnclave: derivedBytes(pki.seed, `quoting enclave:${tee}`, 32),
        mrSigner: Buffer.from(enclave.mrSigner, 'hex'),
        isvProdId: u16(enclave.prodId),
        isvSvn: u16(enclave.isvSvn),
        reportData: Buffer.concat([keyHash, Buffer.alloc(32)]),
        ...changes.qeReport,
    });
}

function u16(value: number): Buffer {
    const bytes = Buffer.alloc(2);
    bytes.writeUInt16LE(value);
    return bytes;
}

function u32(value: number): Buffer {
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32LE(value);
    return bytes;
}
