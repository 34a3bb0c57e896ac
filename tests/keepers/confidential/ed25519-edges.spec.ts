import { createPublicKey, verify } from 'node:crypto';
import { verifySignature } from '../../../keepers/confidential';

/**
 * Signatures on which implementations of Ed25519 differ. Made with B, the curve's base point, T, a point of order eight,
 * and k, the hash that the equation takes: S B = R + k A.
 */
const edges = [
    {
        name: 'key A = a B + T, and k a multiple of eight: the equation holds',
        taken: true,
        byOpenssl: true,
        digest: 'd2c5ecf23728a9639d18f9cf5d1f8bc065628a5cc95d6b2521e019cad0e88daa',
        publicKey: '6e0bf40c9338b6d97b293244fd7b89a37b745aa0fa004a0428b085861b582586',
        signature:
            '8e38d860789ed38dfe9d6410c66c997d0ffea139e8b71c96bb02a3487d18dc37' +
            '18c0c6c186f4b4b80968f02c69d5a4736589e04cc2b6532688230233199c4e08',
    },
    {
        name: 'key A = a B + T: the equation holds times eight only',
        taken: false,
        byOpenssl: false,
        digest: '465aa1f3b36ee15ca834f908aa84064082bfb2b5aaffbfb662a8d46e7d115522',
        publicKey: '095d398e9dd77d57138ac232858cc9bfac26cf9d3b8f45bb6c8edd754bc3c536',
        signature:
            '1b3cdd795b6c48ac57bafb19233cd6d19870017123a151fa33459c730e3a5b0d' +
            '388e34e1d47589fb117a91ce1798ad78efc4de5fb8c61b92d38b44b92f51b202',
    },
    {
        name: 'R = r B + T: the equation holds times eight only',
        taken: false,
        byOpenssl: false,
        digest: 'b7df9efc9a718ec658f38920fa5fc2559333ed9fdd0a29849711cc9e7f9bbdc8',
        publicKey: 'e42de24d6d9506f5183f642b325d43cd1fd1b5dfddbfd66e37cedec3b5ffd3d9',
        signature:
            'ba33c1a4fce7d19e0a617b48b88879921e5fa8a2dd9e1e625e54f57c4bfa18d9' +
            'e3c1c24069c8d45a0300954188c66659bff3af93b8252e29e57e73010df88800',
    },
    {
        name: 'S with the order of B added',
        taken: false,
        byOpenssl: false,
        digest: '62b112f5de9b2899ebfce199d499fa502c20c955f06e9a25b93ebcaa1e389b3e',
        publicKey: 'fdbd54478d774493cb2f94a043a86dd54732b5e7bde47c8750cf060d34669609',
        signature:
            '99c069a5e3b0966d92ce81a83ee2d77b9d374ec6f7f0eb342ceb85fc67443702' +
            '8a88f57017ab1e6358fd0ec3d715576b5784989f19ffd6acd5afdb1d8012e619',
    },
    {
        name: 'key T, under which anybody can sign',
        taken: false,
        byOpenssl: true,
        digest: 'a09030808c50739b143408df66c8f200abb8b41c47adc209c938daced7cd3308',
        publicKey: '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
        signature:
            'cdb05da3b28faf9e806a72a5bbc3a51047dd74685caaf129f1fe970744bb3d7c' +
            '877af813e83f78bd6b3099588bbdcd3e6c1bcb1f517751aff58f423c56d31e0b',
    },
    {
        name: 'the neutral point as key',
        taken: false,
        byOpenssl: true,
        digest: '8e8db19cf31506c4e425469325751d6bdc272c67c084f0fa36bbefc9a3f3399b',
        publicKey: '0100000000000000000000000000000000000000000000000000000000000000',
        signature:
            'a6e6fce87539404e36f16d6dcf293917b973c55d59c5049b0489711f3d81443f' +
            'e1f57019be3013ea27859fdcbf8f8e194db90bf484026125a963864e8e653d0c',
    },
    {
        name: 'the neutral point, spelt with y above the prime',
        taken: false,
        byOpenssl: true,
        digest: '49faa6b81908c241b6dcd266ec69b917d1c8e00db8bb38d143fdae958804f631',
        publicKey: 'eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
        signature:
            '7c61eaa21c562af153fd6a6cd3ca45379ac00d61f6ca9439f0e80a590247c371' +
            '5adab22418a2054dec97899670b9595cbb4417992f16447f4ab9f22f451dbf0d',
    },
];

/** As TON's validators verify, with OpenSSL. */
function opensslTakes(digest: Buffer, publicKey: Buffer, signature: Buffer): boolean {
    const key = { kty: 'OKP', crv: 'Ed25519', x: publicKey.toString('base64url') };
    return verify(null, digest, createPublicKey({ key, format: 'jwk' }), signature);
}

describe('a signature is taken only where the chain takes it too', () => {
    it.each(edges)('$name', ({ taken, byOpenssl, ...hex }) => {
        const [digest, publicKey, signature] = [hex.digest, hex.publicKey, hex.signature].map((text) =>
            Buffer.from(text, 'hex'),
        ) as [Buffer, Buffer, Buffer];
        expect(opensslTakes(digest, publicKey, signature)).toBe(byOpenssl);
        expect(verifySignature({ publicKey, digest, signature })).toBe(taken);
    });
});
