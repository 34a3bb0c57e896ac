import { Aes256Gcm, CipherSuite, DhkemX25519HkdfSha256, HkdfSha256 } from '@hpke/core';
import { randomBytes } from 'node:crypto';
import { exactly } from './byte-writer';
import { ConfidentialError, misuse } from './errors';
import { openBase, sealBase } from './hpke-base';
import { NativeXWing } from './x-wing';

/** 1: X-Wing (ML-KEM-768 + X25519), 2: X25519; both with HKDF-SHA256 and AES-256-GCM. */
export type Suite = 1 | 2;

/** Where bytes come from; replaced only to make reproducible vectors. */
export type RandomSource = (length: number) => Buffer;

export interface SuiteSizes {
    publicKeyBytes: number;
    encBytes: number;
    /** randomness of one encapsulation */
    encapsulationBytes: number;
}

export const suiteSizes: Readonly<Record<Suite, SuiteSizes>> = {
    1: { publicKeyBytes: 1216, encBytes: 1120, encapsulationBytes: 64 },
    2: { publicKeyBytes: 32, encBytes: 32, encapsulationBytes: 32 },
};

/** of both suites: X-Wing keeps its private key as the seed it expands from */
export const kemPrivateKeyBytes = 32;

export function isSuite(value: number): value is Suite {
    return value === 1 || value === 2;
}

/** A key as the library holds it. Its types name the browser's CryptoKey, which Node's types do not declare globally. */
interface LibraryKey {
    readonly type: string;
}

/** The part of the library that is used here. */
interface LibrarySuite {
    kem: {
        deriveKeyPair(ikm: Uint8Array): Promise<{ privateKey: LibraryKey; publicKey: LibraryKey }>;
        serializePrivateKey(key: LibraryKey): Promise<ArrayBuffer>;
        serializePublicKey(key: LibraryKey): Promise<ArrayBuffer>;
        deserializePrivateKey(key: Uint8Array): Promise<LibraryKey>;
        deserializePublicKey(key: Uint8Array): Promise<LibraryKey>;
    };
    seal(
        params: { recipientPublicKey: LibraryKey; info: Uint8Array; ekm: Uint8Array },
        plaintext: Uint8Array,
        aad: Uint8Array,
    ): Promise<{ enc: ArrayBuffer; ct: ArrayBuffer | Buffer }>;
    open(
        params: { recipientKey: LibraryKey; enc: Uint8Array; info: Uint8Array },
        ciphertext: Uint8Array,
        aad: Uint8Array,
    ): Promise<ArrayBuffer | Buffer>;
}

const xWing = new NativeXWing();

const cipherSuites: Readonly<Record<Suite, LibrarySuite>> = {
    1: xWingSuite(xWing),
    2: new CipherSuite({ kem: new DhkemX25519HkdfSha256(), kdf: new HkdfSha256(), aead: new Aes256Gcm() }),
};

/** The suite of nearly every request: KEM and key schedule over the runtime's own primitives where it has them. */
function xWingSuite(kem: NativeXWing): LibrarySuite {
    return {
        kem,
        seal: async ({ recipientPublicKey, info, ekm }, plaintext, aad) => {
            const { sharedSecret, enc } = await kem.encap({ recipientPublicKey, ekm });
            return {
                enc,
                ct: sealBase({ kemId: kem.id, sharedSecret: new Uint8Array(sharedSecret), info, aad }, plaintext),
            };
        },
        open: async ({ recipientKey, enc, info }, ciphertext, aad) => {
            const sharedSecret = new Uint8Array(await kem.decap({ recipientKey, enc }));
            return openBase({ kemId: kem.id, sharedSecret, info, aad }, ciphertext);
        },
    };
}

export interface KemKeyPair {
    suite: Suite;
    privateKey: Buffer;
    publicKey: Buffer;
}

/** RFC 9180 DeriveKeyPair over fresh randomness. */
export async function generateKemKeyPair(suite: Suite, random: RandomSource = randomBytes): Promise<KemKeyPair> {
    const { kem } = cipherSuites[suite];
    const ikm = owned(random(32));
    const pair = await kem.deriveKeyPair(ikm);
    ikm.fill(0);
    return {
        suite,
        privateKey: Buffer.from(await kem.serializePrivateKey(pair.privateKey)),
        publicKey: Buffer.from(await kem.serializePublicKey(pair.publicKey)),
    };
}

export interface HpkeSealOptions {
    suite: Suite;
    publicKey: Buffer;
    info: Buffer;
    aad: Buffer;
    plaintext: Buffer;
    random?: RandomSource;
}

/** Base mode, single shot. Throws `input_invalid` when the public key is none. */
export async function hpkeSeal(options: HpkeSealOptions): Promise<{ enc: Buffer; ct: Buffer }> {
    const { suite, random = randomBytes } = options;
    const sizes = suiteSizes[suite];
    exactly('KEM public key', options.publicKey, sizes.publicKeyBytes);
    try {
        const recipientPublicKey = await cipherSuites[suite].kem.deserializePublicKey(owned(options.publicKey));
        const sealed = await cipherSuites[suite].seal(
            // Our own randomness always goes in, so that one path serves production and vectors.
            { recipientPublicKey, info: owned(options.info), ekm: owned(random(sizes.encapsulationBytes)) },
            owned(options.plaintext),
            owned(options.aad),
        );
        return { enc: Buffer.from(sealed.enc), ct: Buffer.from(sealed.ct as ArrayBuffer) };
    } catch (error) {
        throw misuse(`nothing can be sealed to this KEM key: ${error instanceof Error ? error.name : 'unknown'}`);
    }
}

export interface HpkeSealed {
    enc: Buffer;
    ct: Buffer;
    info: Buffer;
    aad: Buffer;
}

/** A private key made ready to open what is sealed to it, any number of times. */
export interface HpkeOpener {
    /** Throws `request_undecryptable`, whatever the reason: a caller must not learn which step failed. */
    open(sealed: HpkeSealed): Promise<Buffer>;
    /** Overwrites the key; what is opened from now on fails. */
    erase(): void;
}

export async function hpkeOpener(suite: Suite, privateKey: Buffer): Promise<HpkeOpener> {
    exactly('KEM private key', privateKey, kemPrivateKeyBytes);
    return suite === 1 ? xWingOpener(privateKey) : libraryOpener(cipherSuites[suite], privateKey);
}

async function xWingOpener(privateKey: Buffer): Promise<HpkeOpener> {
    const key = await xWing.expand(privateKey);
    return {
        open: ({ enc, ct, info, aad }) =>
            undecryptableUnless(async () => {
                const sharedSecret = new Uint8Array(await xWing.decapWith(key, owned(enc)));
                return openBase({ kemId: xWing.id, sharedSecret, info: owned(info), aad: owned(aad) }, owned(ct));
            }),
        erase: () => key.erase(),
    };
}

async function libraryOpener(suite: LibrarySuite, privateKey: Buffer): Promise<HpkeOpener> {
    const kept = owned(privateKey);
    return {
        open: ({ enc, ct, info, aad }) =>
            undecryptableUnless(async () => {
                const recipientKey = await suite.kem.deserializePrivateKey(kept);
                const params = { recipientKey, enc: owned(enc), info: owned(info) };
                return Buffer.from((await suite.open(params, owned(ct), owned(aad))) as ArrayBuffer);
            }),
        erase: () => kept.fill(0),
    };
}

async function undecryptableUnless(open: () => Promise<Buffer>): Promise<Buffer> {
    try {
        return await open();
    } catch {
        throw new ConfidentialError('request_undecryptable', 'the content key was not sealed to this KEM key');
    }
}

export interface HpkeOpenOptions extends HpkeSealed {
    suite: Suite;
    privateKey: Buffer;
}

/** Once. Throws `request_undecryptable`, as an opener does. */
export async function hpkeOpen({ suite, privateKey, ...sealed }: HpkeOpenOptions): Promise<Buffer> {
    const opener = await hpkeOpener(suite, privateKey);
    try {
        return await opener.open(sealed);
    } finally {
        opener.erase();
    }
}

/** The libraries read `.buffer` in places; a pooled Buffer would hand them its neighbours' bytes. */
function owned(bytes: Buffer): Uint8Array<ArrayBuffer> {
    return new Uint8Array(bytes);
}
