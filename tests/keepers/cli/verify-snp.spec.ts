import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { startKdsServer, type KdsServer, type SnpVerdict } from '../../../keepers/attestation';
import { toPem } from '../../../keepers/attestation/mint/certificates';
import { runVerifySnp, type VerifySnpCommandOptions } from '../../../keepers/cli/verify-snp-command';
import { ManualClock } from '../../../keepers/base';
import { now, pki, seed, snp } from '../attestation/snp/development-evidence';

const cli = path.resolve(__dirname, '../../../keepers/cli/cocoon.cjs');
const folder = mkdtempSync(path.join(tmpdir(), 'verify-snp-'));
let kds: KdsServer;
beforeAll(async () => {
    kds = await startKdsServer({ seed, clock: new ManualClock(now.getTime()) });
});
afterAll(async () => {
    await kds.close();
    rmSync(folder, { recursive: true });
});

function write(name: string, content: Uint8Array | string): string {
    const file = path.join(folder, name);
    writeFileSync(file, content);
    return file;
}

const evidence = snp();
const report = write('report.bin', evidence.report);
const vcek = write('vcek.der', evidence.certificates.vek);
const chain = write('chain.pem', evidence.certificates.chain);
const crl = write('crl.der', evidence.certificates.crl!);
const at = now.toISOString();
const root = pki.rootKeyHash.toString('hex');

/** Through the program itself, as a shell sees it. */
function shell(...args: string[]): { code: number | null; out: string; err: string } {
    const { status, stdout, stderr } = spawnSync(process.execPath, [cli, ...args], { encoding: 'utf8' });
    return { code: status, out: stdout, err: stderr };
}

async function judge(options: VerifySnpCommandOptions, file = report): Promise<SnpVerdict & { code: number }> {
    const { output, exitCode } = await runVerifySnp(file, { at, root, ...options, json: true });
    return { ...(JSON.parse(output) as SnpVerdict), code: exitCode };
}

describe('cocoon verify snp', () => {
    it('exits 0 for accepted, 1 for rejected, 2 for input that cannot be judged', () => {
        const args = ['verify', 'snp', report, '--vcek', vcek, '--chain', chain, '--crl', crl, '--at', at, '--json'];
        const accepted = shell(...args, '--root', root);
        expect([accepted.code, accepted.err]).toEqual([0, '']);
        expect(JSON.parse(accepted.out)).toMatchObject({ verdict: 'accepted', failedCheck: null, kind: 'snp' });
        const rejected = shell(...args);
        expect(rejected.code).toBe(1);
        expect(JSON.parse(rejected.out)).toMatchObject({ verdict: 'rejected', failedCheck: 'vek_chain_root' });
        const unusable = shell('verify', 'snp', path.join(folder, 'missing'), '--vcek', vcek, '--chain', chain);
        expect(unusable).toMatchObject({ code: 2, out: '', err: expect.stringContaining('file_unusable') as string });
    });

    it('says in words what was not checked, and that the root is not AMD’s', async () => {
        const { output } = await runVerifySnp(report, { at, root, vcek, chain });
        expect(output).toMatch(/^unchecked +revocation, binding$/m);
        expect(output).toMatch(/^root +NOT AMD/m);
        expect(output).toMatch(/^reported TCB +bootloader 4, tee 0, snp 24, microcode 219$/m);
    });

    it('leaves revocation unchecked without a list, and refuses where the policy asks for one', async () => {
        expect((await judge({ vcek, chain, crl })).checks.revocation).toBe('passed');
        expect((await judge({ vcek, chain })).checks.revocation).toBe('unchecked');
        const policy = write('policy.json', JSON.stringify({ revocation: 'required' }));
        expect(await judge({ vcek, chain, policy })).toMatchObject({ code: 1, failedCheck: 'ark_crl_missing' });
    });

    it('fetches what is not given: everything, the rest, or the list alone', async () => {
        for (const given of [{}, { vcek }, { chain }, { vcek, chain }]) {
            expect(await judge({ ...given, kds: kds.url })).toMatchObject({
                code: 0,
                verdict: 'accepted',
                checks: { revocation: 'passed' },
            });
        }
    });

    it('works from its cache where there is no service', async () => {
        const cache = path.join(folder, 'cache');
        await judge({ kds: kds.url, cache });
        expect(existsSync(cache)).toBe(true);
        expect(await judge({ kds: 'http://127.0.0.1:9', cache })).toMatchObject({ code: 0, verdict: 'accepted' });
        await expect(judge({ kds: 'http://127.0.0.1:9' })).rejects.toMatchObject({ code: 'collateral_unavailable' });
    });

    it('takes a report in hex, a certificate in PEM, and the root from a file', async () => {
        const hex = write('report.hex', evidence.report.toString('hex'));
        const pem = write('vcek.pem', toPem([Buffer.from(evidence.certificates.vek)]));
        const rootFile = write('root.pem', toPem([pki.root.der]));
        expect(await judge({ vcek: pem, chain, root: rootFile }, hex)).toMatchObject({ code: 0 });
    });

    it('asks for the product line of a version 2 report that it is to fetch for', async () => {
        const old = write('old.bin', snp({ version: 2 }).report);
        await expect(judge({ kds: kds.url }, old)).rejects.toMatchObject({ code: 'evidence_unusable' });
        expect(await judge({ kds: kds.url, product: 'milan' }, old)).toMatchObject({ code: 0, reportVersion: 2 });
        await expect(judge({ kds: kds.url, product: 'rome' }, old)).rejects.toMatchObject({ code: 'argument_invalid' });
    });

    it('refuses what is no report, with the service as with files', async () => {
        const short = write('short.bin', evidence.report.subarray(0, 100));
        expect(await judge({ vcek, chain }, short)).toMatchObject({ code: 1, failedCheck: 'report_length' });
        expect(await judge({ kds: kds.url }, short)).toMatchObject({ code: 1, failedCheck: 'report_length' });
    });

    it.each<[string, VerifySnpCommandOptions]>([
        ['a root that is neither', { root: 'nonsense' }],
        ['a date that is none', { at: 'yesterday' }],
    ])('%s is misuse', async (_, options) => {
        await expect(judge({ vcek, chain, ...options })).rejects.toMatchObject({ code: 'argument_invalid' });
    });

    it('a policy with a misspelt rule, or a certificate that is not there, is an unusable file', async () => {
        const policy = write('misspelt.json', JSON.stringify({ vmpls: [0] }));
        await expect(judge({ vcek, chain, policy })).rejects.toMatchObject({ code: 'file_unusable' });
        await expect(judge({ vcek: path.join(folder, 'none'), chain })).rejects.toMatchObject({
            code: 'file_unusable',
        });
    });
});
