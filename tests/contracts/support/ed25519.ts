import { createHash, createPrivateKey, createPublicKey, KeyObject, sign } from 'node:crypto';

export interface TestKey {
    publicKey: Buffer;
    sign(digest: Buffer): Buffer;
}

const pkcs8Prefix = Buffer.from('302e020100300506032b657004220420', 'hex');

/** An Ed25519 key that every run makes alike from its name. */
export function testKey(name: string): TestKey {
    const seed = createHash('sha256').update(`test key ${name}`).digest();
    const privateKey: KeyObject = createPrivateKey({
        key: Buffer.concat([pkcs8Prefix, seed]),
        format: 'der',
        type: 'pkcs8',
    });
    const spki = createPublicKey(privateKey).export({ format: 'der', type: 'spki' });
    return {
        publicKey: Buffer.from(spki.subarray(spki.length - 32)),
        sign: (digest) => sign(null, digest, privateKey),
    };
}
