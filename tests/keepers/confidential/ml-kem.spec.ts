import { MlKem768 } from 'mlkem';
import { RememberingMlKem } from '../../../keepers/confidential/ml-kem';

const seed = (fill: number, bytes = 64) => new Uint8Array(bytes).fill(fill);

describe('RememberingMlKem', () => {
    it('says what the library says, the first time and from memory, for keys that take turns', async () => {
        const [ours, library] = [new RememberingMlKem(), new MlKem768()];
        const pairs = await Promise.all([1, 2].map((fill) => library.deriveKeyPair(seed(fill))));
        for (const round of [1, 2, 3])
            for (const [publicKey, privateKey] of pairs) {
                const [ciphertext, secret] = await ours.encap(publicKey, seed(round, 32));
                const [expected, expectedSecret] = await library.encap(publicKey, seed(round, 32));
                expect(Buffer.from(ciphertext).equals(expected)).toBe(true);
                expect(Buffer.from(secret).equals(expectedSecret)).toBe(true);
                expect(Buffer.from(await ours.decap(ciphertext, privateKey)).equals(secret)).toBe(true);
                const altered = Uint8Array.from(ciphertext, (byte, at) => (at === 7 ? byte ^ 1 : byte));
                const rejected = await library.decap(altered, privateKey);
                expect(Buffer.from(await ours.decap(altered, privateKey)).equals(rejected)).toBe(true);
            }
        expect(ours.remembered).toBe(2);
    });

    it('keeps no more matrices than it may, and works on for a key whose matrix it forgot', async () => {
        const kem = new RememberingMlKem(2);
        const keys = await Promise.all([1, 2, 3].map(async (fill) => (await kem.deriveKeyPair(seed(fill)))[0]));
        const first = await kem.encap(keys[0]!, seed(9, 32));
        for (const key of keys) await kem.encap(key, seed(9, 32));
        expect(kem.remembered).toBe(2);
        expect(await kem.encap(keys[0]!, seed(9, 32))).toEqual(first);
    });

    it('refuses a public key that is none', async () => {
        const kem = new RememberingMlKem();
        const [publicKey] = await kem.deriveKeyPair(seed(1));
        await kem.encap(publicKey, seed(9, 32));
        // A coefficient above the modulus, beside a seed that is remembered.
        const broken = publicKey.slice();
        broken.fill(0xff, 0, 3);
        await expect(kem.encap(broken, seed(9, 32))).rejects.toThrow();
    });
});
