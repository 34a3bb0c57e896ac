/** Object identifiers as hex of their DER content. */
export const oid = {
    ecdsaWithSha256: '2a8648ce3d040302',
    commonName: '550403',
    organizationName: '55040a',
    localityName: '550407',
    stateOrProvinceName: '550408',
    countryName: '550406',
    authorityKeyIdentifier: '551d23',
    crlDistributionPoints: '551d1f',
    subjectKeyIdentifier: '551d0e',
    keyUsage: '551d0f',
    basicConstraints: '551d13',
    crlNumber: '551d14',
    crlReason: '551d15',
    /** Intel's extension of a PCK certificate: 1.2.840.113741.1.13.1. */
    sgxExtension: '2a864886f84d010d01',
} as const;

/** Before the 65 bytes of an uncompressed point: SEQUENCE { id-ecPublicKey, prime256v1 } BIT STRING. */
export const p256SpkiPrefix = Buffer.from('3059301306072a8648ce3d020106082a8648ce3d030107034200', 'hex');

/** SEQUENCE { ecdsa-with-SHA256 }, the only signature algorithm in Intel's chains. */
export const ecdsaWithSha256Algorithm = Buffer.from('300a06082a8648ce3d040302', 'hex');

/** The same for P-384: SEQUENCE { id-ecPublicKey, secp384r1 } BIT STRING before 97 bytes of point. */
export const p384SpkiPrefix = Buffer.from('3076301006072a8648ce3d020106052b81040022036200', 'hex');

/** SEQUENCE { ecdsa-with-SHA384 }. */
export const ecdsaWithSha384Algorithm = Buffer.from('300a06082a8648ce3d040303', 'hex');
