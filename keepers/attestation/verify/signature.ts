import { createPublicKey, verify, type KeyObject } from 'node:crypto';
import { p256SpkiPrefix } from '../parse/oids';

/**
 * Imported keys by their point. Importing costs as much as verifying, and the keys of Intel's few authorities and of
 * machines seen before come again and again. What a point means never changes, so this remembers nothing that could go
 * stale; a new key pushes out the oldest, so hostile input can only make it useless.
 */
const imported = new Map<string, KeyObject>();
const maxImported = 512;

/** Imports a P-256 key from its SubjectPublicKeyInfo; null where the point is not on the curve. */
export function importKey(spki: Buffer): KeyObject | null {
    return importPoint(spki.subarray(p256SpkiPrefix.length + 1));
}

/** A bare point (x | y, 64 bytes), as quotes carry it. */
export function importPoint(point: Buffer): KeyObject | null {
    const id = point.toString('latin1');
    const key = imported.get(id) ?? importFresh(point);
    if (key !== null && !imported.has(id)) {
        remember(id, key);
    }
    return key;
}

/** As JWK, which OpenSSL reads almost twice as fast as SubjectPublicKeyInfo. */
function importFresh(point: Buffer): KeyObject | null {
    const [x, y] = [point.toString('base64url', 0, 32), point.toString('base64url', 32)];
    try {
        return createPublicKey({ key: { kty: 'EC', crv: 'P-256', x, y }, format: 'jwk' });
    } catch {
        return null;
    }
}

function remember(id: string, key: KeyObject): void {
    if (imported.size >= maxImported) {
        imported.delete(imported.keys().next().value!);
    }
    imported.set(id, key);
}

/** ECDSA P-256 with SHA-256, signature in DER as certificates carry it. */
export function isSignedDer(key: KeyObject | null, data: Buffer, signature: Buffer): boolean {
    return key !== null && verify('sha256', data, { key, dsaEncoding: 'der' }, signature);
}

/** The same with the signature as r | s, 64 bytes. */
export function isSignedRaw(key: KeyObject | null, data: Buffer, signature: Buffer): boolean {
    return key !== null && verify('sha256', data, { key, dsaEncoding: 'ieee-p1363' }, signature);
}
