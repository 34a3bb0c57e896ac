import { createPublicKey, verify, type KeyObject } from 'node:crypto';
import { p256SpkiPrefix } from '../parse/oids';

/** Imports a P-256 key; null where the point is not on the curve. */
export function importKey(spki: Buffer): KeyObject | null {
    try {
        return createPublicKey({ key: spki, format: 'der', type: 'spki' });
    } catch {
        return null;
    }
}

/** A bare point (x | y, 64 bytes), as quotes carry it. */
export function importPoint(point: Buffer): KeyObject | null {
    return importKey(Buffer.concat([p256SpkiPrefix, Buffer.from([4]), point]));
}

/** ECDSA P-256 with SHA-256, signature in DER as certificates carry it. */
export function isSignedDer(key: KeyObject | null, data: Buffer, signature: Buffer): boolean {
    return key !== null && verify('sha256', data, { key, dsaEncoding: 'der' }, signature);
}

/** The same with the signature as r | s, 64 bytes. */
export function isSignedRaw(key: KeyObject | null, data: Buffer, signature: Buffer): boolean {
    return key !== null && verify('sha256', data, { key, dsaEncoding: 'ieee-p1363' }, signature);
}
