import { createHash } from 'node:crypto';
import type { SigningKey } from '../../mint/signing-key';
import {
    reportField,
    reportLength,
    signedLength,
    signingKeyNumber,
    type ReportField,
    type SigningKeyKind,
} from '../parse/report';
import { writeTcb, type TcbVersion } from '../tcb';
import type { SnpCertificates } from '../verify/chain';
import {
    chainOf,
    developmentChipId,
    mintEndorsementKey,
    mintSnpCrl,
    type EndorsementKeyOptions,
    type SnpDevelopmentPki,
} from './pki';

export interface MintSnpOptions {
    pki: SnpDevelopmentPki;
    /** 64 bytes. */
    reportData: Buffer;
    /** Machines of different names have different chip ids and keys. */
    machine?: string;
    signingKey?: SigningKeyKind;
    tcb?: TcbVersion;
    measurement?: Buffer;
    hostData?: Buffer;
    version?: number;
    /** Last changes to fields of the report before it is signed. */
    fields?: Partial<Record<ReportField, Buffer>>;
    endorsement?: Partial<EndorsementKeyOptions>;
    /** Signs in place of the endorsement key. */
    signer?: SigningKey;
    crl?: Parameters<typeof mintSnpCrl>[1] | null;
}

export interface MintedSnpEvidence {
    report: Buffer;
    certificates: SnpCertificates;
}

/** Firmware of minted machines unless told otherwise. */
export const developmentTcb: Required<TcbVersion> = { fmc: 1, bootloader: 4, tee: 0, snp: 24, microcode: 219 };

/** Reserved bit 17 set, sibling threads allowed, ABI 1.51: what hosts launch guests with today. */
const defaultGuestPolicy = 0x30133n;

const processors = { Milan: [0x19, 0x01, 0x01], Genoa: [0x19, 0x11, 0x01], Turin: [0x1a, 0x02, 0x01] } as const;

/** A SEV-SNP report of the real format with the certificates that judge it. */
export function mintSnpReport(options: MintSnpOptions): MintedSnpEvidence {
    const { pki, signingKey: kind = 'vcek', tcb = developmentTcb } = options;
    const chipId = developmentChipId(pki, options.machine ?? 'machine');
    const endorsement = mintEndorsementKey(pki, { kind, chipId, tcb, ...options.endorsement });
    const report = Buffer.alloc(reportLength);
    for (const [name, value] of Object.entries({ ...fieldsOf(options, chipId), ...options.fields }))
        write(report, name as ReportField, value);
    const signature = (options.signer ?? endorsement.key).sign(report.subarray(0, signedLength));
    write(report, 'signatureR', littleEndian(signature.subarray(0, 48)));
    write(report, 'signatureS', littleEndian(signature.subarray(48)));
    const crl = options.crl === null ? null : mintSnpCrl(pki, options.crl);
    return { report, certificates: { vek: endorsement.der, chain: chainOf(pki, kind), crl } };
}

function fieldsOf(options: MintSnpOptions, chipId: Buffer): Partial<Record<ReportField, Buffer>> {
    const { pki, signingKey = 'vcek', tcb = developmentTcb, version = 3 } = options;
    const { line } = pki.product;
    const [family, model, stepping] = processors[line].map((byte) => Buffer.from([byte]));
    const levels = writeTcb(tcb, line);
    return {
        version: little(version, 4),
        policy: little(defaultGuestPolicy, 8),
        signatureAlgorithm: little(1, 4),
        keyInfo: little(signingKeyNumber[signingKey] << 2, 4),
        reportData: options.reportData,
        measurement: options.measurement ?? createHash('sha384').update('cocoon development guest').digest(),
        hostData: options.hostData ?? Buffer.alloc(32),
        reportedTcb: levels,
        currentTcb: levels,
        committedTcb: levels,
        launchTcb: levels,
        chipId: Buffer.concat([chipId, Buffer.alloc(64 - chipId.length)]),
        ...(version >= 3 && { cpuFamily: family, cpuModel: model, cpuStepping: stepping }),
    };
}

function write(report: Buffer, name: ReportField, value: Buffer): void {
    const [offset, length] = reportField[name];
    if (value.length !== length) {
        throw new RangeError(`${name} is ${length} bytes, not ${value.length}`);
    }
    value.copy(report, offset);
}

/** A field's bytes for a number. */
export function little(value: number | bigint, length: 4 | 8): Buffer {
    const bytes = Buffer.alloc(8);
    bytes.writeBigUInt64LE(BigInt(value));
    return bytes.subarray(0, length);
}

function littleEndian(number: Buffer): Buffer {
    return Buffer.concat([Buffer.from(number).reverse(), Buffer.alloc(72 - number.length)]);
}
