import { createCipheriv, createDecipheriv, createHmac } from 'node:crypto';

const aeadKeyBytes = 32;
const nonceBytes = 12;
const tagBytes = 16;
const empty = Buffer.alloc(0);
const version = Buffer.from('HPKE-v1', 'latin1');
/** HKDF-SHA256, AES-256-GCM */
const [kdfId, aeadId] = [1, 2];

interface BaseKeys {
    key: Buffer;
    nonce: Buffer;
}

export interface BaseOptions {
    kemId: number;
    sharedSecret: Uint8Array;
    info: Uint8Array;
    aad: Uint8Array;
}

/** RFC 9180 base mode behind the KEM, single shot, over the runtime's own HMAC and AES: `ciphertext | tag`. */
export function sealBase(options: BaseOptions, plaintext: Uint8Array): Buffer {
    const { key, nonce } = keySchedule(options);
    const cipher = createCipheriv('aes-256-gcm', key, nonce);
    cipher.setAAD(options.aad);
    const sealed = Buffer.concat([cipher.update(plaintext), cipher.final(), cipher.getAuthTag()]);
    key.fill(0);
    return sealed;
}

/** @throws when anything was changed */
export function openBase(options: BaseOptions, sealed: Uint8Array): Buffer {
    const { key, nonce } = keySchedule(options);
    const decipher = createDecipheriv('aes-256-gcm', key, nonce, { authTagLength: tagBytes });
    decipher.setAAD(options.aad);
    decipher.setAuthTag(sealed.subarray(sealed.length - tagBytes));
    const plaintext = Buffer.concat([decipher.update(sealed.subarray(0, sealed.length - tagBytes)), decipher.final()]);
    key.fill(0);
    return plaintext;
}

/** RFC 9180 section 5.1, mode base: no pre-shared key, so its hashes are of nothing. */
function keySchedule({ kemId, sharedSecret, info }: BaseOptions): BaseKeys {
    const suiteId = Buffer.from([...text('HPKE'), kemId >> 8, kemId & 0xff, 0, kdfId, 0, aeadId]);
    const extract = (salt: Uint8Array, name: string, input: Uint8Array) =>
        hmac(salt, [version, suiteId, text(name), input]);
    let noPskHash = noPskHashes.get(kemId);
    if (noPskHash === undefined) noPskHashes.set(kemId, (noPskHash = extract(empty, 'psk_id_hash', empty)));
    const context = Buffer.concat([modeBase, noPskHash, extract(empty, 'info_hash', info)]);
    const secret = extract(sharedSecret, 'secret', empty);
    // One block of HKDF-Expand, since neither output is longer than the hash.
    const expand = (name: string, bytes: number) =>
        hmac(secret, [Buffer.from([0, bytes]), version, suiteId, text(name), context, Buffer.from([1])]).subarray(
            0,
            bytes,
        );
    const keys = { key: expand('key', aeadKeyBytes), nonce: expand('base_nonce', nonceBytes) };
    secret.fill(0);
    return keys;
}

const modeBase = Buffer.from([0]);
/** The same for every request of a KEM. */
const noPskHashes = new Map<number, Buffer>();
const text = (name: string) => Buffer.from(name, 'latin1');

function hmac(key: Uint8Array, parts: readonly Uint8Array[]): Buffer {
    return createHmac('sha256', key).update(Buffer.concat(parts)).digest();
}
