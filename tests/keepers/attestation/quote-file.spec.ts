import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { inspectQuote, inspectQuoteFile, verifyQuoteFile } from '../../../keepers/attestation';
import { now, pki, reportData, sgx, tdx } from './development-evidence';

const folder = mkdtempSync(path.join(tmpdir(), 'quote-file-'));
afterAll(() => rmSync(folder, { recursive: true }));

function write(name: string, content: Buffer | string): string {
    const file = path.join(folder, name);
    writeFileSync(file, content);
    return file;
}

const evidence = tdx({ version: 5, padTo: 8000 });
const quoteFile = write('quote.bin', evidence.quote);
const collateralFile = write('collateral.json', JSON.stringify(evidence.collateral));
const by = { at: now, rootPublicKey: pki.rootPublicKey };
const unusable = expect.objectContaining({ code: 'file_unusable' }) as Error;

describe('verify quote', () => {
    it('judges a quote file by a collateral file', () => {
        const { verdict, exitCode } = verifyQuoteFile(quoteFile, { ...by, collateralFile });
        expect(exitCode).toBe(0);
        expect(JSON.parse(JSON.stringify(verdict))).toMatchObject({
            verdict: 'accepted',
            status: 'UpToDate',
            advisoryIds: [],
            failedCheck: null,
            fmspc: '90c06f000000',
            tcbEvaluationDataNumber: 18,
            platformId: expect.stringMatching(/^[0-9a-f]{64}$/) as string,
            tdAttributes: '0000001000000000',
            reportData: reportData.toString('hex'),
            measurements: {
                mrtd: '0'.repeat(96),
                rtmr3: '0'.repeat(96),
                mrSeam: '0'.repeat(96),
                mrOwner: '0'.repeat(96),
            },
            evaluatedAt: now.toISOString(),
        });
    });

    it('reads a quote in hex too', () => {
        const hex = write('quote.hex', `0x${evidence.quote.toString('hex')}\n`);
        expect(verifyQuoteFile(hex, { ...by, collateralFile }).exitCode).toBe(0);
    });

    it('trusts no root but Intel unless told so', () => {
        const result = verifyQuoteFile(quoteFile, { at: now, collateralFile });
        expect(result).toMatchObject({ exitCode: 1, verdict: { failedCheck: 'pck_chain_root' } });
    });

    it('applies a policy file', () => {
        const policyFile = write('policy.json', '{"images":[]}');
        expect(verifyQuoteFile(quoteFile, { ...by, collateralFile, policyFile })).toMatchObject({
            exitCode: 1,
            verdict: { failedCheck: 'policy_image' },
        });
    });

    it('checks signatures alone when asked to', () => {
        expect(verifyQuoteFile(quoteFile, { ...by, signatureOnly: true })).toMatchObject({
            exitCode: 0,
            verdict: { status: null },
        });
    });

    it('rejects bytes that are no quote, as of now', () => {
        const file = write('garbage.bin', Buffer.from([1, 2, 3]));
        expect(verifyQuoteFile(file, { collateralFile })).toMatchObject({
            exitCode: 1,
            verdict: { failedCheck: 'quote_length' },
        });
    });

    it('cannot use files that are missing or of another format', () => {
        const missing = path.join(folder, 'missing');
        const { pck_crl, ...incomplete } = evidence.collateral;
        expect(pck_crl.length).toBeGreaterThan(0);
        expect(() => verifyQuoteFile(missing, { ...by, collateralFile })).toThrow(unusable);
        expect(() => verifyQuoteFile(quoteFile, by)).toThrow(unusable);
        for (const content of [
            '',
            '[]',
            '{"a":1}',
            JSON.stringify(incomplete),
            JSON.stringify({ ...evidence.collateral, more: '' }),
        ]) {
            const file = write('bad.json', content);
            expect(() => verifyQuoteFile(quoteFile, { ...by, collateralFile: file })).toThrow(unusable);
            expect(() =>
                verifyQuoteFile(quoteFile, {
                    ...by,
                    collateralFile,
                    policyFile: write('bad-policy.json', content || '{"x":1}'),
                }),
            ).toThrow(unusable);
        }
        expect(() => verifyQuoteFile(quoteFile, { ...by, collateralFile: missing })).toThrow(unusable);
    });
});

describe('inspect quote', () => {
    it('shows what a quote claims, and says that nothing was verified', () => {
        expect(inspectQuoteFile(quoteFile)).toMatchObject({
            verified: false,
            version: 5,
            tee: 'tdx',
            bodyType: 3,
            paddingLength: 8000 - inspectQuoteFile(quoteFile).length,
            teeTcbSvn: '0b010400000000000000000000000000',
            teeTcbSvn2: '0b010400000000000000000000000000',
            mrServiceTd: '0'.repeat(96),
            platform: { fmspc: '90c06f000000', pceId: '0000', pceSvn: 13 },
        });
    });

    it('shows SGX and TD 1.0 without what they lack', () => {
        expect(inspectQuote(sgx().quote)).toMatchObject({
            tee: 'sgx',
            version: 3,
            teeTcbSvn: null,
            xfam: null,
            measurements: null,
        });
        const { certificates, teeTcbSvn2, mrServiceTd } = inspectQuote(tdx().quote);
        expect([teeTcbSvn2, mrServiceTd]).toEqual([null, null]);
        expect(certificates.map(({ subject }) => subject)).toEqual([
            'Intel SGX PCK Certificate',
            'Intel SGX PCK Platform CA',
            'Intel SGX Root CA',
        ]);
    });

    it('is a typed error on anything else', () => {
        for (const bytes of [
            Buffer.alloc(0),
            Buffer.alloc(5000),
            tdx({ changes: { pckChain: Buffer.from('x') } }).quote,
        ]) {
            expect(() => inspectQuote(bytes)).toThrow(expect.objectContaining({ code: 'evidence_unusable' }) as Error);
        }
    });
});
