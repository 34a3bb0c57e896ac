import { X509Certificate } from 'node:crypto';
import { createDevelopmentPki, createPlatform, mintTdxQuote } from '../../../keepers/attestation';
import { judge, now, onPlatform, pki, reportData, seed, sgx, tdx } from './development-evidence';

describe('minted evidence', () => {
    it.each([
        ['TDX v4', tdx(), 4932],
        ['TDX v5, TD 1.0', tdx({ version: 5, bodyType: 2 }), 4938],
        ['TDX v5, TD 1.5', tdx({ version: 5 }), 5002],
        ['TDX v5, extended', tdx({ version: 5, bodyType: 4 }), 5239],
        ['padded TDX v4', tdx({ padTo: 8000 }), 8000],
        ['SGX v3', sgx(), 4592],
        ['SGX v5', sgx({ version: 5 }), 4604],
    ])('of %s is accepted', (_, evidence, length) => {
        expect(judge(evidence)).toMatchObject({ verdict: 'accepted', status: 'UpToDate', failedCheck: null });
        // Signatures vary by a byte or two in DER, and base64 rounds up.
        expect(Math.abs(evidence.quote.length - length)).toBeLessThan(24);
    });

    it('is the same, byte for byte, for the same seed and date', () => {
        const again = createDevelopmentPki({ seed: Buffer.from(seed), now: new Date(now) });
        expect(mintTdxQuote({ pki: again, reportData })).toEqual(tdx());
    });

    it('differs between machines in key and platform id', () => {
        const [first, second] = [judge(tdx()), judge(onPlatform({ name: 'other' }))];
        expect(second.verdict).toBe('accepted');
        expect(second.platformId).not.toBe(first.platformId);
    });

    it('has certificates that OpenSSL parses and verifies', () => {
        const { pck, authority } = createPlatform(pki);
        const [leaf, ca, root] = [pck.der, authority.der, pki.root.der].map((der) => new X509Certificate(der));
        expect(leaf!.verify(ca!.publicKey) && ca!.verify(root!.publicKey) && root!.verify(root!.publicKey)).toBe(true);
        expect(leaf!.checkIssued(ca!) && ca!.checkIssued(root!)).toBe(true);
        expect([leaf!.ca, ca!.ca, root!.ca]).toEqual([false, true, true]);
        expect(pck.der.length).toBeGreaterThan(1260);
        expect(pck.der.length).toBeLessThan(1280);
    });

    it('refuses a body field of the wrong size', () => {
        expect(() => tdx({ measurements: { mrtd: Buffer.alloc(32) } })).toThrow('mrTd is 48 bytes, not 32');
    });
});
