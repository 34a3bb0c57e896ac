import { randomBytes } from 'node:crypto';
import * as noble from '@panva/hpke-noble';
import { AEAD_AES_256_GCM, CipherSuite, KDF_HKDF_SHA256, type Key } from 'hpke';
import { generateKemKeyPair, hpkeOpen, hpkeSeal, type Suite, suiteSizes } from '../../../keepers/confidential/hpke';
import { expectCode } from './exchange';

/** Other people's code throughout: HPKE of `hpke`, KEMs of `@panva/hpke-noble`. */
const theirs: Record<Suite, CipherSuite<Key>> = {
    1: new CipherSuite(noble.KEM_MLKEM768_X25519, KDF_HKDF_SHA256, AEAD_AES_256_GCM),
    2: new CipherSuite(noble.KEM_DHKEM_X25519_HKDF_SHA256, KDF_HKDF_SHA256, AEAD_AES_256_GCM),
};
const kemIds: Record<Suite, number> = { 1: 0x647a, 2: 0x20 };
const rounds = Array.from({ length: 8 }, (_, round) => round);
const suites: Suite[] = [1, 2];
const every = suites.flatMap((suite) => rounds.map((round) => ({ suite, round })));

/** Lengths around the edges: nothing, less and more than a block, a large one. */
const sampleOf = (round: number) => ({
    info: randomBytes([0, 1, 32, 100][round % 4]!),
    aad: randomBytes([32, 0, 16, 65][round % 4]!),
    plaintext: randomBytes([32, 1, 0, 4096][round % 4]!),
});

describe.each(every)('suite $suite against a second implementation, round $round', ({ suite, round }) => {
    const other = theirs[suite];
    const { info, aad, plaintext } = sampleOf(round);

    test('it is the same KEM with the same sizes', () => {
        const { id, Npk, Nenc, Nsk } = other.KEM;
        expect([id, Npk, Nenc, Nsk]).toEqual([
            kemIds[suite],
            suiteSizes[suite].publicKeyBytes,
            suiteSizes[suite].encBytes,
            32,
        ]);
    });

    test('it opens with our key what we sealed, and nothing that was changed', async () => {
        const { privateKey, publicKey } = await generateKemKeyPair(suite);
        const key = await other.DeserializePrivateKey(privateKey);
        const { enc, ct } = await hpkeSeal({ suite, publicKey, info, aad, plaintext });
        expect(Buffer.from(await other.Open(key, enc, ct, { info, aad }))).toEqual(plaintext);
        await expect(other.Open(key, enc, flipped(ct), { info, aad })).rejects.toThrow();
        await expect(other.Open(key, flipped(enc), ct, { info, aad })).rejects.toThrow();
    });

    test('we open with its key what it sealed, and nothing that was changed', async () => {
        const pair = await other.GenerateKeyPair(true);
        const privateKey = Buffer.from(await other.SerializePrivateKey(pair.privateKey));
        const sealed = await other.Seal(pair.publicKey, plaintext, { info, aad });
        const [enc, ct] = [Buffer.from(sealed.encapsulatedSecret), Buffer.from(sealed.ciphertext)];
        expect(await hpkeOpen({ suite, privateKey, enc, ct, info, aad })).toEqual(plaintext);
        await expectCode('request_undecryptable', () =>
            hpkeOpen({ suite, privateKey, enc, ct: flipped(ct), info, aad }),
        );
        await expectCode('request_undecryptable', () =>
            hpkeOpen({ suite, privateKey, enc: flipped(enc), ct, info, aad }),
        );
    });

    test('it seals to our public key', async () => {
        const { privateKey, publicKey } = await generateKemKeyPair(suite);
        const sealed = await other.Seal(await other.DeserializePublicKey(publicKey), plaintext, { info, aad });
        const [enc, ct] = [Buffer.from(sealed.encapsulatedSecret), Buffer.from(sealed.ciphertext)];
        expect(await hpkeOpen({ suite, privateKey, enc, ct, info, aad })).toEqual(plaintext);
    });
});

function flipped(bytes: Buffer): Buffer {
    const changed = Buffer.from(bytes);
    const at = changed.length >> 1;
    changed.writeUInt8(changed.readUInt8(at) ^ 1, at);
    return changed;
}
