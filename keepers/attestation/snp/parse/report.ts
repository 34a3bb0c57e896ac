import { requireFormat } from '../../parse/format-error';

/** Sizes of an attestation report, in bytes (SEV-SNP firmware ABI, AMD document 56860, table "ATTESTATION_REPORT"). */
export const reportLength = 1184;
/** What the endorsement key signs. */
export const signedLength = 0x2a0;

type Field = readonly [offset: number, length: number];

export const reportField = {
    version: [0x00, 4],
    guestSvn: [0x04, 4],
    policy: [0x08, 8],
    familyId: [0x10, 16],
    imageId: [0x20, 16],
    vmpl: [0x30, 4],
    signatureAlgorithm: [0x34, 4],
    currentTcb: [0x38, 8],
    platformInfo: [0x40, 8],
    keyInfo: [0x48, 4],
    reportData: [0x50, 64],
    measurement: [0x90, 48],
    hostData: [0xc0, 32],
    idKeyDigest: [0xe0, 48],
    authorKeyDigest: [0x110, 48],
    reportId: [0x140, 32],
    reportIdMigrationAgent: [0x160, 32],
    reportedTcb: [0x180, 8],
    cpuFamily: [0x188, 1],
    cpuModel: [0x189, 1],
    cpuStepping: [0x18a, 1],
    chipId: [0x1a0, 64],
    committedTcb: [0x1e0, 8],
    launchTcb: [0x1f0, 8],
    signatureR: [0x2a0, 72],
    signatureS: [0x2e8, 72],
    signatureReserved: [0x330, 368],
} as const satisfies Record<string, Field>;

export type ReportField = keyof typeof reportField;

/** Which key signed, bits 4 to 2 of the key information. */
export const signingKeyNumber = { vcek: 0, vlek: 1, none: 7 } as const;
export type SigningKeyKind = Exclude<keyof typeof signingKeyNumber, 'none'>;

/** A report cut into its fields; nothing in it is verified. */
export interface SnpReport {
    version: number;
    signatureAlgorithm: number;
    vmpl: number;
    /** Guest policy as launched with, 64 bits. */
    policy: bigint;
    keyInfo: number;
    /** Null where the field names no key that exists. */
    signingKey: SigningKeyKind | null;
    /** The host withholds the key that would sign: such a report is not signed at all. */
    chipKeyMasked: boolean;
    reportData: Buffer;
    measurement: Buffer;
    hostData: Buffer;
    idKeyDigest: Buffer;
    authorKeyDigest: Buffer;
    familyId: Buffer;
    imageId: Buffer;
    guestSvn: number;
    /** TCB versions as they stand in the report; their layout depends on the product. */
    reportedTcb: Buffer;
    currentTcb: Buffer;
    committedTcb: Buffer;
    launchTcb: Buffer;
    /** Family and model of the processor; null before version 3, which does not say. */
    cpu: { family: number; model: number } | null;
    /** 64 bytes, all zero where the host masks it. */
    chipId: Buffer;
    signed: Buffer;
    /** r | s, big-endian, 96 bytes; null where a number is too long for the curve or reserved bytes are set. */
    signature: Buffer | null;
}

/** Cuts a report. Only its length can be wrong here; what the fields mean is the verifier's matter. */
export function parseReport(bytes: Buffer): SnpReport {
    requireFormat(bytes.length === reportLength, `a report is ${reportLength} bytes, not ${bytes.length}`);
    const field = (name: ReportField) => fieldOf(bytes, name);
    const version = field('version').readUInt32LE();
    const keyInfo = field('keyInfo').readUInt32LE();
    const keyNumber = (keyInfo >> 2) & 7;
    return {
        version,
        signatureAlgorithm: field('signatureAlgorithm').readUInt32LE(),
        vmpl: field('vmpl').readUInt32LE(),
        policy: field('policy').readBigUInt64LE(),
        keyInfo,
        signingKey: keyNumber === signingKeyNumber.vcek ? 'vcek' : keyNumber === signingKeyNumber.vlek ? 'vlek' : null,
        chipKeyMasked: (keyInfo & 2) !== 0,
        reportData: field('reportData'),
        measurement: field('measurement'),
        hostData: field('hostData'),
        idKeyDigest: field('idKeyDigest'),
        authorKeyDigest: field('authorKeyDigest'),
        familyId: field('familyId'),
        imageId: field('imageId'),
        guestSvn: field('guestSvn').readUInt32LE(),
        reportedTcb: field('reportedTcb'),
        currentTcb: field('currentTcb'),
        committedTcb: field('committedTcb'),
        launchTcb: field('launchTcb'),
        cpu: version < 3 ? null : { family: field('cpuFamily')[0]!, model: field('cpuModel')[0]! },
        chipId: field('chipId'),
        signed: bytes.subarray(0, signedLength),
        signature: readSignature(bytes),
    };
}

export function fieldOf(bytes: Buffer, name: ReportField): Buffer {
    const [offset, length] = reportField[name];
    return bytes.subarray(offset, offset + length);
}

const scalarLength = 48;

/** AMD writes r and s little-endian into 72 bytes each, where a P-384 number has 48. */
function readSignature(bytes: Buffer): Buffer | null {
    const numbers = [fieldOf(bytes, 'signatureR'), fieldOf(bytes, 'signatureS')];
    const tails = [...numbers.map((number) => number.subarray(scalarLength)), fieldOf(bytes, 'signatureReserved')];
    if (tails.some((tail) => !isZero(tail))) {
        return null;
    }
    return Buffer.concat(numbers.map((number) => Buffer.from(number.subarray(0, scalarLength)).reverse()));
}

export function isZero(bytes: Buffer): boolean {
    return bytes.every((byte) => byte === 0);
}
