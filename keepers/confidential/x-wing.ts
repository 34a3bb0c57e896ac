import { XWing } from '@hpke/hybridkem-x-wing';
import { createHash, createPrivateKey, createPublicKey, diffieHellman, type KeyObject } from 'node:crypto';
import { RememberingMlKem } from './ml-kem';

const mlKemCiphertextBytes = 1088;
const mlKemPublicKeyBytes = 1184;
const label = Buffer.from('\\.//^\\', 'latin1');
/** Receivers whose keys are kept as the runtime holds them; 1 kB each. */
const maxReceivers = 512;

/** A key as the library holds it. */
interface LibraryKey {
    readonly type: string;
}

/**
 * X-Wing (draft-connolly-cfrg-xwing-kem) with the library's key handling and ML-KEM, and with X25519, SHA-3 and SHAKE of
 * the runtime: the library's own curve arithmetic took three quarters of every request's key exchange.
 */
export class NativeXWing extends XWing {
    private readonly mlKem = new RememberingMlKem();
    private readonly receivers = new Map<string, KeyObject>();

    override async encap(params: {
        recipientPublicKey: LibraryKey;
        ekm: Uint8Array;
    }): Promise<{ sharedSecret: ArrayBuffer; enc: ArrayBuffer }> {
        const { ekm } = params;
        if (ekm.length !== 64) throw new Error('X-Wing needs 64 random bytes');
        const publicKey = Buffer.from(await this.serializePublicKey(params.recipientPublicKey));
        const [mlKemKey, theirs] = split(publicKey, mlKemPublicKeyBytes);
        const [mlKemSeed, scalar] = split(Buffer.from(ekm), 32);
        const own = privateKeyOf(scalar);
        const ephemeral = publicOf(own);
        const secretX = diffieHellman({ privateKey: own, publicKey: this.receiverOf(theirs) });
        const [ciphertext, secretM] = await this.mlKem.encap(new Uint8Array(mlKemKey), new Uint8Array(mlKemSeed));
        const sharedSecret = combine([secretM, secretX, ephemeral, theirs]);
        return { sharedSecret, enc: exactBytes(Buffer.concat([ciphertext, ephemeral])) };
    }

    /** Many requests go to one receiver; its ML-KEM key is remembered as well. */
    private receiverOf(publicKey: Buffer): KeyObject {
        const id = publicKey.toString('latin1');
        const known = this.receivers.get(id);
        if (known !== undefined) return known;
        const key = publicKeyOf(publicKey);
        this.receivers.set(id, key);
        if (this.receivers.size > maxReceivers) this.receivers.delete(this.receivers.keys().next().value!);
        return key;
    }

    override async decap(params: { recipientKey: LibraryKey; enc: Uint8Array }): Promise<ArrayBuffer> {
        const key = await this.expand(Buffer.from(await this.serializePrivateKey(params.recipientKey)));
        try {
            return await this.decapWith(key, params.enc);
        } finally {
            key.erase();
        }
    }

    /** Half of a decapsulation's work, and the same for every one with this key. */
    async expand(seed: Buffer): Promise<ExpandedXWingKey> {
        const expanded = createHash('shake256', { outputLength: 96 }).update(seed).digest();
        const [mlKemSeed, scalar] = split(expanded, 64);
        const own = privateKeyOf(scalar);
        const [, mlKemKey] = await this.mlKem.deriveKeyPair(new Uint8Array(mlKemSeed));
        expanded.fill(0);
        return new ExpandedXWingKey(mlKemKey, own, publicOf(own));
    }

    async decapWith(key: ExpandedXWingKey, enc: Uint8Array): Promise<ArrayBuffer> {
        const { mlKemKey, own, ownPublic } = key.parts();
        const [ciphertext, ephemeral] = split(Buffer.from(enc), mlKemCiphertextBytes);
        const secretX = diffieHellman({ privateKey: own, publicKey: publicKeyOf(ephemeral) });
        const secretM = await this.mlKem.decap(new Uint8Array(ciphertext), mlKemKey);
        const secret = combine([secretM, secretX, ephemeral, ownPublic]);
        for (const bytes of [secretM, secretX]) bytes.fill(0);
        return secret;
    }
}

/**
 * A private key as decapsulation uses it: ML-KEM's expanded key, and an X25519 key of the runtime, whose memory it wipes
 * when it lets go of it.
 */
export class ExpandedXWingKey {
    private own: KeyObject | undefined;

    constructor(
        private readonly mlKemKey: Uint8Array,
        own: KeyObject,
        private readonly ownPublic: Buffer,
    ) {
        this.own = own;
    }

    /** @throws Error once it is erased */
    parts(): { mlKemKey: Uint8Array; own: KeyObject; ownPublic: Buffer } {
        const { mlKemKey, own, ownPublic } = this;
        if (own === undefined) throw new Error('the key is erased');
        return { mlKemKey, own, ownPublic };
    }

    erase(): void {
        this.mlKemKey.fill(0);
        this.own = undefined;
    }
}

/** SHA3-256 over both secrets, the ephemeral key, the receiver's and the label. */
function combine(parts: Uint8Array[]): ArrayBuffer {
    const hash = createHash('sha3-256');
    for (const part of parts) hash.update(part);
    return exactBytes(hash.update(label).digest());
}

/** By JWK, which is read in a twentieth of the time that DER takes; `x` is not looked at beside `d`. */
function privateKeyOf(scalar: Buffer): KeyObject {
    const key = { kty: 'OKP', crv: 'X25519', d: scalar.toString('base64url'), x: '' };
    return createPrivateKey({ key, format: 'jwk' });
}

/** Agreeing with it throws where the shared secret would be zero, as the draft demands of X25519. */
function publicKeyOf(publicKey: Buffer): KeyObject {
    const key = { kty: 'OKP', crv: 'X25519', x: publicKey.toString('base64url') };
    return createPublicKey({ key, format: 'jwk' });
}

function publicOf(own: KeyObject): Buffer {
    const { x } = own.export({ format: 'jwk' });
    return Buffer.from(x!, 'base64url');
}

function split(bytes: Buffer, at: number): [Buffer, Buffer] {
    return [bytes.subarray(0, at), bytes.subarray(at)];
}

function exactBytes(bytes: Buffer): ArrayBuffer {
    return new Uint8Array(bytes).buffer;
}
