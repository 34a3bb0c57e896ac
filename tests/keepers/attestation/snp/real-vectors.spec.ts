import { verifySnpReport, type SnpCertificates } from '../../../../keepers/attestation';
import { parseAmdCertificate } from '../../../../keepers/attestation/snp/parse/certificate';
import { parseEndorsement } from '../../../../keepers/attestation/snp/parse/endorsement';
import { parseReport, reportLength, signedLength } from '../../../../keepers/attestation/snp/parse/report';
import { products } from '../../../../keepers/attestation/snp/product';
import { readTcb } from '../../../../keepers/attestation/snp/tcb';
import { keyHashOf } from '../../../../keepers/attestation/snp/verify/chain';
import { isSignedP384, isSignedPss } from '../../../../keepers/attestation/snp/verify/signature';
import { seededRandom } from '../fuzzing';
import { chainOf, hasVectors, readAuthorities, readChain, readVector, vectorDate } from './real-vectors';

const itWithVectors = hasVectors ? it : it.skip;

if (!hasVectors) {
    it.skip('skipped: no SEV-SNP vectors; set COCOON_VECTORS to their folder', () => undefined);
}

const at = vectorDate;
const milan = (): { report: Buffer; certificates: SnpCertificates } => ({
    report: readVector('milan-report.bin'),
    certificates: { vek: readVector('milan-vcek.der'), chain: readChain('milan') },
});

describe('real SEV-SNP evidence', () => {
    itWithVectors('a Milan report is accepted under its VCEK and AMD’s root', () => {
        const { report, certificates } = milan();
        expect(verifySnpReport(report, certificates, { at })).toMatchObject({
            kind: 'snp',
            verdict: 'accepted',
            failedCheck: null,
            product: 'Milan',
            reportVersion: 2,
            signingKey: 'vcek',
            vmpl: 0,
            tcb: { reported: { bootloader: 3, tee: 0, snp: 8, microcode: 0x73 } },
            checks: { report: 'passed', chain: 'passed', revocation: 'unchecked', signature: 'passed' },
            validUntil: '2030-01-24T17:58:26.000Z',
        });
    });

    itWithVectors('the tampered VCEK is refused, whatever report it is shown with', () => {
        const { report, certificates } = milan();
        const vek = readVector('milan-vcek-invalid.der');
        const verdict = verifySnpReport(report, { ...certificates, vek }, { at });
        expect(verdict).toMatchObject({ verdict: 'rejected', failedCheck: 'vek_chain_signature' });
    });

    itWithVectors('a VLEK signs the VLEK report, for the same firmware, and hangs on no VCEK authority', () => {
        const bytes = readVector('milan-vlek-report.bin');
        const [report, vlek] = [parseReport(bytes), parseAmdCertificate(readVector('milan-vlek.der'))];
        expect(report).toMatchObject({ version: 3, signingKey: 'vlek', cpu: { family: 0x19, model: 1 } });
        expect(isSignedP384(vlek.key, report.signed, report.signature!)).toBe(true);
        expect(parseEndorsement(vlek.extensions, products.Milan)).toEqual({
            productName: 'Milan',
            tcb: readTcb(report.reportedTcb, 'Milan'),
            hardwareId: null,
            cspId: 'CN=cc-us-east-2.amazonaws.com',
        });
        // Its authority, SEV-VLEK-Milan, is not among the vectors: under the VCEK authority it must be refused.
        const certificates = { vek: vlek.der, chain: readChain('milan') };
        const verdict = verifySnpReport(bytes, certificates, { at });
        expect(verdict).toMatchObject({ verdict: 'rejected', failedCheck: 'vek_chain_names', signingKey: 'vlek' });
    });

    itWithVectors('the key that signs must be of the kind that the report names', () => {
        const { report, certificates } = milan();
        const withVlek = { ...certificates, vek: readVector('milan-vlek.der') };
        expect(verifySnpReport(report, withVlek, { at }).failedCheck).toBe('vek_chain_names');
        const vlekReport = readVector('milan-vlek-report.bin');
        expect(verifySnpReport(vlekReport, certificates, { at }).failedCheck).toBe('vek_chain_names');
    });

    itWithVectors.each([
        ['milan', 'Milan'],
        ['genoa', 'Genoa'],
        ['turin_vcek', 'Turin'],
    ] as const)('the root of %s is the one pinned, and signs itself and its authority', (file, line) => {
        const [authority, root] = readAuthorities(file).map(parseAmdCertificate);
        expect(keyHashOf(root!).toString('hex')).toBe(products[line].rootKeyHash);
        for (const { tbs, signature } of [authority!, root!]) expect(isSignedPss(root!.key, tbs, signature)).toBe(true);
    });

    itWithVectors('a chain of another product line, or in another order, is refused', () => {
        const { report, certificates } = milan();
        const [authority, root] = readAuthorities('milan');
        const [genoaAuthority, genoaRoot] = readAuthorities('genoa');
        const chains: [string, string][] = [
            [readChain('genoa'), 'vek_chain_names'],
            [chainOf(root, authority), 'vek_chain_root'],
            [chainOf(authority, genoaRoot), 'vek_chain_names'],
            [chainOf(genoaAuthority, root), 'vek_chain_names'],
            [chainOf(root, root), 'vek_chain_names'],
            [chainOf(authority), 'vek_chain_encoding'],
            [chainOf(authority, root, root), 'vek_chain_encoding'],
        ];
        for (const [chain, failedCheck] of chains) {
            expect(verifySnpReport(report, { ...certificates, chain }, { at }).failedCheck).toBe(failedCheck);
        }
    });

    itWithVectors('is refused outside the life of its certificates, and under another root', () => {
        const { report, certificates } = milan();
        for (const date of ['2019-01-01', '2022-01-01', '2030-01-25']) {
            const verdict = verifySnpReport(report, certificates, { at: new Date(date) });
            expect(verdict.failedCheck).toBe('vek_chain_validity');
        }
        const verdict = verifySnpReport(report, certificates, { at, rootKeyHash: Buffer.alloc(32, 1) });
        expect(verdict.failedCheck).toBe('vek_chain_root');
    });

    itWithVectors(
        'one change of any byte of the report is refused: of what is signed, of the signature, of the rest',
        () => {
            const { report, certificates } = milan();
            const random = seededRandom(7);
            const refusals = new Map<string, number>();
            for (let offset = 0; offset < reportLength; offset++) {
                const changed = Buffer.from(report);
                changed[offset]! ^= 1 + random(255);
                const { verdict, failedCheck } = verifySnpReport(changed, certificates, { at });
                expect([offset, verdict]).toEqual([offset, 'rejected']);
                refusals.set(failedCheck!, (refusals.get(failedCheck!) ?? 0) + 1);
            }
            expect(refusals.get('internal_error')).toBeUndefined();
            // Most of the report is known to be good by its signature alone.
            expect(refusals.get('report_signature')).toBeGreaterThan(signedLength);
        },
    );

    itWithVectors('one change of any byte of a certificate is refused', () => {
        const { report, certificates } = milan();
        const [authority, root] = readAuthorities('milan');
        const random = seededRandom(8);
        const vek = Buffer.from(certificates.vek);
        const places = [vek, authority, root].flatMap((der, role) =>
            Array.from({ length: Math.ceil(der.length / 8) }, (_, i) => [role, i * 8 + random(8)] as const),
        );
        for (const [role, offset] of places) {
            const ders = [vek, authority, root].map((der) => Buffer.from(der)) as [Buffer, Buffer, Buffer];
            if (offset >= ders[role]!.length) continue;
            ders[role]![offset]! ^= 1 + random(255);
            const changed = { vek: ders[0], chain: chainOf(ders[1], ders[2]) };
            const { failedCheck } = verifySnpReport(report, changed, { at });
            expect([role, offset, failedCheck]).toEqual([role, offset, expect.stringMatching(/^vek_chain_/)]);
        }
    });
});
