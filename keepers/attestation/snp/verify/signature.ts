import { constants, verify, type KeyObject } from 'node:crypto';

/** RSASSA-PSS with SHA-384 and a salt of exactly 48 bytes, as AMD signs certificates and lists. */
export function isSignedPss(key: KeyObject, data: Buffer, signature: Buffer): boolean {
    const padding = { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 48 };
    return verify('sha384', data, { key, ...padding }, signature);
}

/** ECDSA P-384 with SHA-384 over r | s, 96 bytes. */
export function isSignedP384(key: KeyObject, data: Buffer, signature: Buffer): boolean {
    return verify('sha384', data, { key, dsaEncoding: 'ieee-p1363' }, signature);
}
