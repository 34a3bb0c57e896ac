/** AMD's extensions of endorsement key certificates, 1.3.6.1.4.1.3704.1.*, as hex of their DER content (document 57230). */
const amd = '2b060104019c7801';

export const amdOid = {
    structVersion: `${amd}01`,
    productName: `${amd}02`,
    /** One number for each part of the TCB version; the last byte tells which. */
    securityPatchLevel: (part: number) => `${amd}03${part.toString(16).padStart(2, '0')}`,
    hardwareId: `${amd}04`,
    /** Cloud provider that a VLEK belongs to. */
    cspId: `${amd}05`,
} as const;

/** SEQUENCE { id-RSASSA-PSS, SHA-384, MGF1 with SHA-384, salt 48 }; some of AMD's certificates spell out the trailer's default. */
const pssParameters =
    'a00f300d06096086480165030402020500a11c301a06092a864886f70d010108300d06096086480165030402020500a203020130';
export const pssSha384Algorithms = [
    Buffer.from(`304606092a864886f70d01010a3039${pssParameters}a303020101`, 'hex'),
    Buffer.from(`304106092a864886f70d01010a3034${pssParameters}`, 'hex'),
];

/** SEQUENCE { rsaEncryption, NULL }. */
export const rsaAlgorithm = Buffer.from('300d06092a864886f70d0101010500', 'hex');
