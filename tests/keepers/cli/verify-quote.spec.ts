import { spawnSync } from 'node:child_process';
import { createPublicKey } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createDevelopmentPki, mintTdxQuote, startPcsServer, type Verdict } from '../../../keepers/attestation';
import { readRootKey } from '../../../keepers/cli/root-key';
import * as onChain from '../../../keepers/cli/on-chain-verdict';
import type { VerdictOnChain } from '../../../keepers/cli/on-chain-verdict';
import { runInspectQuote, runVerifyQuote, type VerifyQuoteOptions } from '../../../keepers/cli/verify-quote-command';
import { now, pki, seed, tdx } from '../attestation/development-evidence';

const cli = path.resolve(__dirname, '../../../keepers/cli/cocoon.cjs');
const folder = mkdtempSync(path.join(tmpdir(), 'verify-quote-'));
afterAll(() => rmSync(folder, { recursive: true }));

function write(name: string, content: Buffer | string): string {
    const file = path.join(folder, name);
    writeFileSync(file, content);
    return file;
}

const evidence = tdx({ version: 5 });
const quote = write('quote.bin', evidence.quote);
const collateral = write('collateral.json', JSON.stringify(evidence.collateral));
const root = pki.rootPublicKey.toString('hex');
const by = { collateral, at: now.toISOString(), root };

/** Through the program itself, as a shell sees it. */
function shell(...args: string[]): { code: number | null; out: string; err: string } {
    const { status, stdout, stderr } = spawnSync(process.execPath, [cli, ...args], { encoding: 'utf8' });
    return { code: status, out: stdout, err: stderr };
}

async function judge(options: VerifyQuoteOptions, file = quote): Promise<Verdict & { code: number }> {
    const { output, exitCode } = await runVerifyQuote(file, { ...options, json: true }, () => onChain);
    return { ...(JSON.parse(output) as Verdict), code: exitCode };
}

describe('cocoon verify quote', () => {
    it('exits 0 for accepted, 1 for rejected, 2 for input that cannot be judged', () => {
        const args = ['verify', 'quote', quote, '--collateral', collateral, '--at', '2026-03-01T12:00:00Z', '--json'];
        const accepted = shell(...args, '--root', root);
        expect([accepted.code, accepted.err]).toEqual([0, '']);
        expect(JSON.parse(accepted.out)).toMatchObject({ verdict: 'accepted', failedCheck: null });
        const rejected = shell(...args);
        expect(rejected.code).toBe(1);
        expect(JSON.parse(rejected.out)).toMatchObject({ verdict: 'rejected', failedCheck: 'pck_chain_root' });
        const unusable = shell('verify', 'quote', path.join(folder, 'missing'), '--signature-only');
        expect(unusable).toMatchObject({ code: 2, out: '', err: expect.stringContaining('file_unusable') as string });
        const misused = shell('verify', 'quote', quote, '--collateral', collateral, '--pcs', 'http://localhost');
        expect(misused).toMatchObject({
            code: 2,
            out: '',
            err: expect.stringContaining('cannot be used with') as string,
        });
    });

    it('has the real contract decide with --on-chain, and says what it cost', async () => {
        const { code, verdict, status, gas, tonCost, messages } = (await judge({ ...by, onChain: true })) as Awaited<
            ReturnType<typeof judge>
        > &
            VerdictOnChain;
        expect({ code, verdict, status }).toEqual({ code: 0, verdict: 'accepted', status: 'UpToDate' });
        expect(gas).toBeLessThan(260_000);
        expect(messages.map(({ message }) => message)).toEqual([
            'root revocation list',
            'pck revocation list',
            'tcb info',
            'qe identity',
            'quote',
        ]);
        expect(Number(tonCost.sandbox)).toBeGreaterThan(Number(tonCost.mainnet2026));
        const stale = new Date(now.getTime() + 40 * 86_400_000).toISOString();
        expect(await judge({ ...by, at: stale, onChain: true })).toMatchObject({
            code: 1,
            failedCheck: 'pck_crl_dates',
            messages: [{ refusal: null }, { refusal: 'QuoteVerifier: collateral is not in force' }],
        });
        await expect(judge({ root, collateral, onChain: true })).rejects.toThrow('--on-chain needs');
    }, 60_000);

    it('prints every field that scripts rely on', async () => {
        const verdict = await judge(by);
        expect(Object.keys(verdict)).toEqual(
            expect.arrayContaining([
                'verdict',
                'status',
                'advisoryIds',
                'failedCheck',
                'fmspc',
                'tcbEvaluationDataNumber',
                'platformId',
                'tdAttributes',
                'reportData',
                'measurements',
                'evaluatedAt',
            ]),
        );
        expect(Object.keys(verdict.measurements!).sort()).toEqual(
            ['mrConfigId', 'mrOwner', 'mrSeam', 'mrtd', 'rtmr0', 'rtmr1', 'rtmr2', 'rtmr3'].sort(),
        );
        expect(verdict.evaluatedAt).toBe(now.toISOString());
    });

    it('tells people what failed and what to do, and that the root is not Intel’s', async () => {
        const policy = write('policy.json', '{"statuses":["SWHardeningNeeded"]}');
        const { output, exitCode } = await runVerifyQuote(quote, { ...by, policy });
        expect(exitCode).toBe(1);
        expect(output).toMatch(/^verdict +rejected\nfailed check +policy_status\nwhat to do +.*update it$/m);
        expect(output).toMatch(/^mrtd +0{96}$/m);
        expect(output).toMatch(/^root +NOT Intel/m);
        expect((await runVerifyQuote(quote, { collateral, at: by.at })).output).toMatch(/^root +Intel$/m);
    });

    it('says what checking signatures alone leaves out', async () => {
        const { output, exitCode } = await runVerifyQuote(quote, { root, at: by.at, signatureOnly: true });
        expect(exitCode).toBe(0);
        expect(output).toContain('not evaluated');
        expect(output).toContain('signatures only');
    });

    it('refuses dates and roots that it cannot read', async () => {
        const invalid = expect.objectContaining({ code: 'argument_invalid', action: 'fix' }) as Error;
        for (const at of ['', 'yesterday', '2026-13-01', '1772366400']) {
            await expect(runVerifyQuote(quote, { ...by, at })).rejects.toEqual(invalid);
        }
        const rsa = write('rsa.txt', 'no key');
        for (const bad of ['', 'ab', '00'.repeat(64), path.join(folder, 'missing'), rsa]) {
            await expect(runVerifyQuote(quote, { ...by, root: bad })).rejects.toEqual(invalid);
        }
    });

    it('takes a root as hex with or without 04, or from a file in hex or PEM', () => {
        const jwk = {
            kty: 'EC',
            crv: 'P-256',
            x: pki.rootPublicKey.subarray(1, 33).toString('base64url'),
            y: pki.rootPublicKey.subarray(33).toString('base64url'),
        };
        const pem = createPublicKey({ key: jwk, format: 'jwk' }).export({ type: 'spki', format: 'pem' }).toString();
        const certificate = `-----BEGIN CERTIFICATE-----\n${pki.root.der.toString('base64')}\n-----END CERTIFICATE-----\n`;
        const files = [`${root}\n`, pem, certificate].map((text, i) => write(`root-${i}`, text));
        for (const given of [root, root.slice(2), ...files]) {
            expect(readRootKey(given)).toEqual(pki.rootPublicKey);
        }
    });
});

describe('cocoon verify quote without a collateral file', () => {
    const todayPki = createDevelopmentPki({ seed, now: new Date() });
    const today = write('today.bin', mintTdxQuote({ pki: todayPki, reportData: Buffer.alloc(64, 1) }).quote);
    const todayRoot = todayPki.rootPublicKey.toString('hex');

    it('fetches what the quote needs', async () => {
        const pcs = await startPcsServer({ pki: todayPki });
        try {
            expect(await judge({ root: todayRoot, pcs: pcs.url }, today)).toMatchObject({
                code: 0,
                status: 'UpToDate',
            });
            expect(pcs.requests).toHaveLength(4);
        } finally {
            await pcs.close();
        }
    });

    it('rejects evidence of another root, and garbage, without asking anyone', async () => {
        const pcs = await startPcsServer({ pki: todayPki });
        try {
            const garbage = write('garbage.bin', Buffer.from([1, 2, 3]));
            expect(await judge({ pcs: pcs.url }, today)).toMatchObject({ code: 1, failedCheck: 'pck_chain_root' });
            expect(await judge({ pcs: pcs.url }, garbage)).toMatchObject({ code: 1, failedCheck: 'quote_length' });
            expect(pcs.requests).toEqual([]);
        } finally {
            await pcs.close();
        }
    });

    it('is no verdict where the service is down: exit code 2, not 1', () => {
        const down = shell('verify', 'quote', today, '--root', todayRoot, '--pcs', 'http://127.0.0.1:1');
        expect(down).toMatchObject({ code: 2, out: '', err: expect.stringContaining('unavailable') as string });
    });
});

describe('cocoon inspect quote', () => {
    it('shows what the bytes claim, and that nothing is verified', () => {
        const inspected = JSON.parse(runInspectQuote(quote, { json: true }).output) as object;
        expect(inspected).toMatchObject({ verified: false, tee: 'tdx', version: 5 });
        expect(runInspectQuote(quote, {}).output).toMatch(/^verified +no/);
        expect(runInspectQuote(quote, {}).output).toMatch(/^certificate +Intel SGX Root CA, /m);
    });

    it('is a typed error for what is no quote', () => {
        const unusable = expect.objectContaining({ code: 'evidence_unusable' }) as Error;
        expect(() => runInspectQuote(collateral, {})).toThrow(unusable);
    });
});
