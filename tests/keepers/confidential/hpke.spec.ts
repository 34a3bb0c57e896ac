import { createDecipheriv, createHmac } from 'node:crypto';
import { generateKemKeyPair, hpkeOpen, hpkeOpener, hpkeSeal, type Suite } from '../../../keepers/confidential/hpke';
import { NativeXWing } from '../../../keepers/confidential/x-wing';
import pyca from '../../vectors/confidential/hpke-pyca.json';
import rfc from '../../vectors/confidential/hpke-rfc9180.json';
import draft from '../../vectors/confidential/x-wing-draft.json';
import { expectCode } from './exchange';

const hex = (text: string) => Buffer.from(text, 'hex');
const owned = (text: string) => new Uint8Array(hex(text));

/** The library's own type names a global CryptoKey that Node's types lack. */
interface Kem {
    generateKeyPairDerand(seed: Uint8Array): Promise<{ publicKey: object; privateKey: object }>;
    serializePublicKey(key: object): Promise<ArrayBuffer>;
    encap(options: {
        recipientPublicKey: object;
        ekm: Uint8Array;
    }): Promise<{ sharedSecret: ArrayBuffer; enc: ArrayBuffer }>;
    decap(options: { recipientKey: object; enc: Uint8Array }): Promise<ArrayBuffer>;
}

/** RFC 9180 sections 4 and 5.1 over node's HMAC: what the library must agree with. */
function keySchedule(sharedSecret: Buffer, info: Buffer, aead: { id: number; keyBytes: number }) {
    const suiteId = Buffer.concat([Buffer.from('HPKE'), Buffer.from([0, 0x20, 0, 1, 0, aead.id])]);
    const hmac = (key: Buffer, data: Buffer) => createHmac('sha256', key).update(data).digest();
    const extract = (salt: Buffer, label: string, ikm: Buffer) =>
        hmac(salt, Buffer.concat([Buffer.from('HPKE-v1'), suiteId, Buffer.from(label), ikm]));
    const expand = (prk: Buffer, label: string, context: Buffer, bytes: number) => {
        const labeled = Buffer.concat([Buffer.from([0, bytes]), Buffer.from('HPKE-v1'), suiteId, Buffer.from(label)]);
        return hmac(prk, Buffer.concat([labeled, context, Buffer.from([1])])).subarray(0, bytes);
    };
    const empty = Buffer.alloc(0);
    const hashes = [extract(empty, 'psk_id_hash', empty), extract(empty, 'info_hash', info)];
    const context = Buffer.concat([Buffer.from([0]), ...hashes]);
    const secret = extract(sharedSecret, 'secret', empty);
    return { key: expand(secret, 'key', context, aead.keyBytes), nonce: expand(secret, 'base_nonce', context, 12) };
}

function decrypt(
    algorithm: 'aes-128-gcm' | 'aes-256-gcm',
    keys: { key: Buffer; nonce: Buffer },
    ct: Buffer,
    aad: Buffer,
) {
    const decipher = createDecipheriv(algorithm, keys.key, keys.nonce);
    decipher.setAAD(aad);
    decipher.setAuthTag(ct.subarray(-16));
    return Buffer.concat([decipher.update(ct.subarray(0, -16)), decipher.final()]);
}

describe('HPKE', () => {
    it('derives the recipient key of RFC 9180 A.1', async () => {
        const pair = await generateKemKeyPair(2, () => hex(rfc.ikmR));
        expect(pair.publicKey.toString('hex')).toBe(rfc.pkRm);
        expect(pair.privateKey.toString('hex')).toBe(rfc.skRm);
    });

    it('seals with the encapsulation of RFC 9180 A.1 and the key schedule of its section 5.1', async () => {
        const info = hex(rfc.info);
        const published = keySchedule(hex(rfc.sharedSecret), info, { id: 1, keyBytes: 16 });
        expect(published.key.toString('hex')).toBe(rfc.key);
        expect(published.nonce.toString('hex')).toBe(rfc.baseNonce);
        const publishedText = decrypt('aes-128-gcm', published, hex(rfc.ciphertext), hex(rfc.aad));
        expect(publishedText.toString('hex')).toBe(rfc.plaintext);

        const plaintext = hex(rfc.plaintext);
        const sealed = await hpkeSeal({
            suite: 2,
            publicKey: hex(rfc.pkRm),
            info,
            aad: hex(rfc.aad),
            plaintext,
            random: () => hex(rfc.ikmE),
        });
        expect(sealed.enc.toString('hex')).toBe(rfc.enc);
        const ours = keySchedule(hex(rfc.sharedSecret), info, { id: 2, keyBytes: 32 });
        expect(decrypt('aes-256-gcm', ours, sealed.ct, hex(rfc.aad))).toEqual(plaintext);
    });

    it.each(draft.cases)('X-Wing agrees with the draft, seed $seed', async (vector) => {
        const kem: Kem = new NativeXWing();
        const pair = await kem.generateKeyPairDerand(owned(vector.seed));
        const publicKey = Buffer.from(await kem.serializePublicKey(pair.publicKey));
        expect(publicKey.subarray(0, 32).toString('hex')).toBe(vector.publicKeyStart);
        const sent = await kem.encap({ recipientPublicKey: pair.publicKey, ekm: owned(vector.eseed) });
        expect(Buffer.from(sent.enc).subarray(0, 32).toString('hex')).toBe(vector.ciphertextStart);
        expect(Buffer.from(sent.sharedSecret).toString('hex')).toBe(vector.sharedSecret);
        const received = await kem.decap({ recipientKey: pair.privateKey, enc: new Uint8Array(sent.enc) });
        expect(Buffer.from(received).toString('hex')).toBe(vector.sharedSecret);
    });

    it.each(pyca.cases)('opens what another implementation sealed, suite $suite', async (vector) => {
        const fields = { privateKey: hex(vector.privateKey), enc: hex(vector.enc), ct: hex(vector.ct) };
        const options = { suite: vector.suite as Suite, ...fields, info: hex(vector.info), aad: hex(vector.aad) };
        expect((await hpkeOpen(options)).toString('hex')).toBe(vector.plaintext);
        await expectCode('request_undecryptable', () => hpkeOpen({ ...options, aad: hex('00') }));
        await expectCode('request_undecryptable', () => hpkeOpen({ ...options, info: hex('00') }));
        await expectCode('request_undecryptable', () => hpkeOpen({ ...options, suite: vector.suite === 1 ? 2 : 1 }));
    });

    it('opens with an expanded key again and again, and never once it is erased: its bytes are overwritten', async () => {
        const kem = new NativeXWing();
        const { suite, privateKey, publicKey } = await generateKemKeyPair(1);
        const [info, aad] = [Buffer.from('info'), Buffer.from('aad')];
        const opener = await hpkeOpener(suite, privateKey);
        for (const text of ['first', 'second']) {
            const sealed = await hpkeSeal({ suite, publicKey, info, aad, plaintext: Buffer.from(text) });
            expect((await opener.open({ ...sealed, info, aad })).toString()).toBe(text);
            expect((await hpkeOpen({ suite, privateKey, ...sealed, info, aad })).toString()).toBe(text);
        }
        const sealed = await hpkeSeal({ suite, publicKey, info, aad, plaintext: Buffer.from('third') });
        opener.erase();
        await expectCode('request_undecryptable', () => opener.open({ ...sealed, info, aad }));
        const key = await kem.expand(privateKey);
        const { mlKemKey } = key.parts();
        expect(mlKemKey.some((byte) => byte !== 0)).toBe(true);
        key.erase();
        expect(mlKemKey.every((byte) => byte === 0)).toBe(true);
        expect(() => key.parts()).toThrow('erased');
    });

    it('refuses a public key of the wrong length as misuse', async () => {
        const bytes = Buffer.alloc(32);
        const options = { suite: 1 as Suite, publicKey: bytes, info: bytes, aad: bytes, plaintext: bytes };
        await expectCode('input_invalid', () => hpkeSeal(options));
    });

    it('refuses the all-zero X25519 point, whose shared secret everybody knows', async () => {
        const bytes = Buffer.alloc(32);
        const options = { suite: 2 as Suite, publicKey: bytes, info: bytes, aad: bytes, plaintext: bytes };
        await expectCode('input_invalid', () => hpkeSeal(options));
    });
});
