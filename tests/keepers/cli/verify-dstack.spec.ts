import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import {
    createDevelopmentPki,
    createGpu,
    createGpuPki,
    mintGpuDocument,
    startPcsServer,
} from '../../../keepers/attestation';
import type { DstackVerdict } from '../../../keepers/attestation/dstack';
import { runVerifyDstack, type VerifyDstackOptions } from '../../../keepers/cli/verify-dstack-command';
import { now, pki, seed } from '../attestation/development-evidence';
import { changed, mint, nonce, wallet } from '../attestation/dstack/development-report';

const cli = path.resolve(__dirname, '../../../keepers/cli/cocoon.cjs');
const folder = mkdtempSync(path.join(tmpdir(), 'verify-dstack-'));
afterAll(() => rmSync(folder, { recursive: true }));

function write(name: string, content: unknown): string {
    const file = path.join(folder, name);
    writeFileSync(file, typeof content === 'string' ? content : JSON.stringify(content));
    return file;
}

const minted = mint();
const report = write('report.json', minted.report);
const by = {
    collateral: write('collateral.json', minted.collateral),
    at: now.toISOString(),
    root: pki.rootPublicKey.toString('hex'),
    nonce: nonce.toString('hex'),
};

/** Through the program itself, as a shell sees it. */
function shell(...args: string[]): { code: number | null; out: string; err: string } {
    const { status, stdout, stderr } = spawnSync(process.execPath, [cli, ...args], { encoding: 'utf8' });
    return { code: status, out: stdout, err: stderr };
}

type Verdicts = DstackVerdict & { attestations: DstackVerdict[]; code: number };

async function judge(file: string, options: VerifyDstackOptions = by): Promise<Verdicts> {
    const { output, exitCode } = await runVerifyDstack(file, { ...options, json: true });
    return { ...(JSON.parse(output) as Verdicts), code: exitCode };
}

describe('cocoon verify dstack', () => {
    it('exits 0 for accepted, 1 for rejected, 2 for input that cannot be judged', () => {
        const args = ['verify', 'dstack', report, '--collateral', by.collateral, '--at', by.at, '--json'];
        const accepted = shell(...args, '--root', by.root, '--nonce', by.nonce);
        expect([accepted.code, accepted.err]).toEqual([0, '']);
        expect(JSON.parse(accepted.out)).toMatchObject({ verdict: 'accepted', failedCheck: null, nonceChecked: true });
        const rejected = shell(...args);
        expect(rejected.code).toBe(1);
        expect(JSON.parse(rejected.out)).toMatchObject({ verdict: 'rejected', failedCheck: 'pck_chain_root' });
        const unusable = shell('verify', 'dstack', by.collateral, '--collateral', by.collateral);
        expect(unusable).toMatchObject({ code: 2, out: '', err: expect.stringContaining('file_unusable') as string });
    });

    it('refuses a report for another nonce, and says where none was compared', async () => {
        expect(await judge(report)).toMatchObject({ code: 0, nonceChecked: true });
        expect(await judge(report, { ...by, nonce: '11'.repeat(32) })).toMatchObject({
            code: 1,
            failedCheck: 'dstack_nonce',
        });
        const unchecked = { ...by, nonce: undefined };
        expect(await judge(report, unchecked)).toMatchObject({ code: 0, nonceChecked: false, nonce: by.nonce });
        expect((await runVerifyDstack(report, unchecked)).output).toMatch(/^nonce +UNCHECKED: [0-9a-f]{64}$/m);
    });

    it('tells people whose key it is about and what runs', async () => {
        const { output } = await runVerifyDstack(report, by);
        expect(output).toMatch(new RegExp(`^signing key +${wallet.address.slice(2).toLowerCase()} \\(ecdsa\\)$`, 'm'));
        expect(output).toMatch(/^manifest +[0-9a-f]{64}$/m);
        expect(output).not.toMatch(/^GPUs/m);
        expect(output).toMatch(/^root +NOT Intel/m);
    });

    it('refuses a cloud’s report for one model node that is refused', async () => {
        const bad = changed(mint(), { signing_address: `0x${'11'.repeat(20)}` }).report;
        const cloud = { gateway_attestation: minted.report, model_attestations: [minted.report, bad] };
        const verdict = await judge(write('cloud.json', cloud));
        expect(verdict).toMatchObject({ code: 1, role: 'model', failedCheck: 'dstack_report_data' });
        expect(verdict.attestations.map(({ verdict: one }) => one)).toEqual(['accepted', 'accepted', 'rejected']);
    });

    it('judges the GPUs that a report shows, by NVIDIA’s root unless another is named', async () => {
        const gpuPki = createGpuPki({ seed, now });
        const [gpu] = mintGpuDocument([createGpu(gpuPki, {})], { nonce });
        const list = [{ certificate: gpu!.certificate, evidence: gpu!.evidence }];
        const file = write('gpus.json', mint({ nvidiaPayload: { evidence_list: list } }).report);
        expect(await judge(file)).toMatchObject({ code: 1, failedCheck: 'dstack_gpu_evidence' });
        const gpuRoot = gpuPki.rootPublicKey.toString('hex');
        const { output, exitCode } = await runVerifyDstack(file, { ...by, gpuRoot });
        expect(exitCode).toBe(0);
        expect(output).toMatch(/^GPUs +GH100; mode unstated, revocation unchecked$/m);
    });

    it('judges by what a collateral service says', async () => {
        const today = createDevelopmentPki({ seed, now: new Date() });
        const fresh = write('fresh.json', mint({ pki: today }).report);
        const pcs = await startPcsServer({ pki: today });
        try {
            const root = today.rootPublicKey.toString('hex');
            const { output, exitCode } = await runVerifyDstack(fresh, { root, pcs: pcs.url, json: true });
            expect([exitCode, (JSON.parse(output) as DstackVerdict).status]).toEqual([0, 'UpToDate']);
        } finally {
            await pcs.close();
        }
    });

    it('refuses nonces, reports and dates that it cannot read', async () => {
        const invalid = expect.objectContaining({ code: 'argument_invalid', action: 'fix' }) as Error;
        await expect(runVerifyDstack(report, { ...by, nonce: 'ab' })).rejects.toEqual(invalid);
        await expect(runVerifyDstack(report, { ...by, at: 'yesterday' })).rejects.toEqual(invalid);
        const unusable = expect.objectContaining({ code: 'file_unusable' }) as Error;
        for (const bad of [write('text.json', 'no JSON'), write('other.json', {}), path.join(folder, 'missing')]) {
            await expect(runVerifyDstack(bad, by)).rejects.toEqual(unusable);
        }
    });
});
