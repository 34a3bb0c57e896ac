import fc from 'fast-check';
import { verifySnpReport, type SnpCertificates } from '../../../../keepers/attestation';
import { mintSnpCrl } from '../../../../keepers/attestation/snp/mint/pki';
import { parseAmdCertificate } from '../../../../keepers/attestation/snp/parse/certificate';
import { parseAmdCrl } from '../../../../keepers/attestation/snp/parse/crl';
import { parseEndorsement } from '../../../../keepers/attestation/snp/parse/endorsement';
import { parseReport } from '../../../../keepers/attestation/snp/parse/report';
import { products } from '../../../../keepers/attestation/snp/product';
import { FormatError } from '../../../../keepers/attestation/parse/format-error';
import { mutant, seededRandom } from '../fuzzing';
import { now, pki, snp } from './development-evidence';

const good = snp();
const parsers: [string, Buffer[], (bytes: Buffer) => unknown][] = [
    ['report', [good.report, snp({ version: 2 }).report], parseReport],
    ['certificate', [Buffer.from(good.certificates.vek), pki.root.der], parseAmdCertificate],
    ['revocation list', [mintSnpCrl(pki), mintSnpCrl(pki, { revokedSerials: [Buffer.from([1])] })], parseAmdCrl],
    [
        'endorsement',
        [Buffer.from(good.certificates.vek)],
        (bytes) => parseEndorsement(parseAmdCertificate(bytes).extensions, products.Milan),
    ],
];

/** Whether a parser read the bytes; anything but its own error fails the test. */
function isRead(parse: (bytes: Buffer) => unknown, bytes: Buffer): boolean {
    try {
        parse(bytes);
        return true;
    } catch (error) {
        expect(error).toBeInstanceOf(FormatError);
        return false;
    }
}

describe('parsers', () => {
    it.each(parsers)('%s: reads, or throws its own error', (_, seeds, parse) => {
        const random = seededRandom(3);
        const read = Array.from({ length: 2000 }, () => isRead(parse, mutant(seeds, random)));
        // Mutants that all fail at the first byte would test nothing.
        expect(read).toContain(true);
    });

    it.each(parsers)('%s: survives arbitrary bytes', (_, __, parse) => {
        fc.assert(
            fc.property(fc.uint8Array({ maxLength: 1500 }), (bytes) => {
                isRead(parse, Buffer.from(bytes));
            }),
            { numRuns: 300 },
        );
    });

    it('report: any bytes of its length are a report', () => {
        fc.assert(
            fc.property(fc.uint8Array({ minLength: 1184, maxLength: 1184 }), (bytes) =>
                isRead(parseReport, Buffer.from(bytes)),
            ),
            { numRuns: 100 },
        );
    });
});

describe('the whole verifier', () => {
    const options = { at: now, rootKeyHash: pki.rootKeyHash };

    it('never throws, whatever it is given', () => {
        const anything = fc.anything({ withBigInt: true, withTypedArray: true, maxDepth: 2 });
        fc.assert(
            fc.property(anything, anything, (report, certificates) => {
                const judged = [
                    verifySnpReport(report as Uint8Array, good.certificates, options),
                    verifySnpReport(good.report, certificates as SnpCertificates, options),
                ];
                return judged.every(
                    ({ verdict, failedCheck }) => verdict === 'rejected' && failedCheck !== 'internal_error',
                );
            }),
            { numRuns: 300 },
        );
    });

    it('accepts none but the evidence itself: any change to any part is refused, and none is a fault of ours', () => {
        const random = seededRandom(4);
        const parts = { vek: Buffer.from(good.certificates.vek), crl: Buffer.from(good.certificates.crl!) };
        for (let i = 0; i < 600; i++) {
            const part = (['report', 'vek', 'crl'] as const)[i % 3]!;
            const original = part === 'report' ? good.report : parts[part];
            const changed = mutant([original], random);
            if (changed.equals(original)) continue;
            const report = part === 'report' ? changed : good.report;
            const certificates = part === 'report' ? good.certificates : { ...good.certificates, [part]: changed };
            const { verdict, failedCheck } = verifySnpReport(report, certificates, options);
            expect([part, i, verdict]).toEqual([part, i, 'rejected']);
            expect(failedCheck).not.toBe('internal_error');
        }
    });

    it('refuses a change of any byte of a minted report', () => {
        const random = seededRandom(5);
        for (let offset = 0; offset < good.report.length; offset++) {
            const changed = Buffer.from(good.report);
            changed[offset]! ^= 1 + random(255);
            expect([offset, verifySnpReport(changed, good.certificates, options).verdict]).toEqual([
                offset,
                'rejected',
            ]);
        }
    });

    it('judges a whole report in less than the 50 ms that bound any input', () => {
        const started = performance.now();
        for (let i = 0; i < 20; i++) verifySnpReport(good.report, good.certificates, options);
        expect((performance.now() - started) / 20).toBeLessThan(50);
    });
});
