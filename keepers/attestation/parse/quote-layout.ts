/** Sizes and offsets of Intel's quote structures, in bytes. */
export const headerLength = 48;
export const bodyDescriptorLength = 6;
export const enclaveReportLength = 384;
export const signatureLength = 64;

export const teeType = { sgx: 0x00, tdx: 0x81 } as const;

/** Body type of a version 5 quote. Version 3 and 4 quotes imply it. */
export const bodyType = { sgxEnclave: 1, td10: 2, td15: 3, td15Extended: 4 } as const;
export type BodyType = (typeof bodyType)[keyof typeof bodyType];

export const bodyLength: Record<BodyType, number> = { 1: enclaveReportLength, 2: 584, 3: 648, 4: 885 };

export const intelQeVendorId = Buffer.from('939a7233f79c4ca9940a0db3957f0607', 'hex');

/** The only attestation key type in use: ECDSA with P-256. */
export const ecdsaP256KeyType = 2;

/** Certification data: a PEM chain, or a QE report that carries one. */
export const certificationType = { pckChain: 5, qeReport: 6 } as const;

type Field = readonly [offset: number, length: number];

/** Fields of a TD report body; those from 584 on exist from TD 1.5, those from 648 on in the extended one. */
export const tdField = {
    teeTcbSvn: [0, 16],
    mrSeam: [16, 48],
    mrSignerSeam: [64, 48],
    seamAttributes: [112, 8],
    tdAttributes: [120, 8],
    xfam: [128, 8],
    mrTd: [136, 48],
    mrConfigId: [184, 48],
    mrOwner: [232, 48],
    mrOwnerConfig: [280, 48],
    rtmr0: [328, 48],
    rtmr1: [376, 48],
    rtmr2: [424, 48],
    rtmr3: [472, 48],
    reportData: [520, 64],
    teeTcbSvn2: [584, 16],
    mrServiceTd: [600, 48],
} as const satisfies Record<string, Field>;

/** Fields of an SGX enclave report. */
export const enclaveField = {
    cpuSvn: [0, 16],
    miscSelect: [16, 4],
    attributes: [48, 16],
    mrEnclave: [64, 32],
    mrSigner: [128, 32],
    isvProdId: [256, 2],
    isvSvn: [258, 2],
    reportData: [320, 64],
} as const satisfies Record<string, Field>;

export function fieldOf(body: Buffer, [offset, length]: Field): Buffer {
    return body.subarray(offset, offset + length);
}
