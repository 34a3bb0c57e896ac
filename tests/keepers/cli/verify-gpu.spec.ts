import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createNrasSigner, type GpuVerdict, mintNrasToken, nrasKeysOf } from '../../../keepers/attestation';
import { runVerifyGpu, type VerifyGpuCommandOptions } from '../../../keepers/cli/verify-gpu-command';
import { gpu, judge, nonce, now, pki, seed } from '../attestation/gpu/development-gpus';
import { describeRealGpus, gpuVectorFile } from '../attestation/gpu/real-gpu-vectors';

const folder = mkdtempSync(path.join(tmpdir(), 'verify-gpu-'));
afterAll(() => rmSync(folder, { recursive: true }));

function file(name: string, content: unknown): string {
    const place = path.join(folder, name);
    writeFileSync(place, typeof content === 'string' ? content : JSON.stringify(content));
    return place;
}

const root = pki.rootPublicKey.toString('hex');
const at = now.toISOString();

async function verify(document: unknown, options: VerifyGpuCommandOptions = {}) {
    const { output, exitCode } = await runVerifyGpu(file('gpu.json', document), { root, at, json: true, ...options });
    return { exitCode, verdict: JSON.parse(output) as GpuVerdict };
}

describe('cocoon verify gpu', () => {
    it('accepts with 0, and says that the nonce is unchecked where none is named', async () => {
        const { exitCode, verdict } = await verify(gpu());
        expect(exitCode).toBe(0);
        expect(verdict).toMatchObject({ verdict: 'accepted', failedCheck: null, checks: { nonce: 'unchecked' } });
    });

    it('compares the nonce that is named', async () => {
        expect(await verify(gpu(), { nonce: nonce.toString('hex') })).toMatchObject({
            exitCode: 0,
            verdict: { checks: { nonce: 'matched' } },
        });
        expect(await verify(gpu(), { nonce: '00'.repeat(32) })).toMatchObject({
            exitCode: 1,
            verdict: { verdict: 'rejected', failedCheck: 'gpu_nonce' },
        });
    });

    it('judges what is JSON, and can do nothing with what is not', async () => {
        expect(await verify({})).toMatchObject({ exitCode: 1, verdict: { failedCheck: 'gpu_evidence_format' } });
        await expect(verify('no JSON')).rejects.toMatchObject({ code: 'file_unusable' });
        await expect(runVerifyGpu(path.join(folder, 'absent'), {})).rejects.toMatchObject({ code: 'file_unusable' });
        await expect(verify(' '.repeat(1024 * 1024 + 1))).rejects.toMatchObject({ code: 'file_unusable' });
    });

    it('refuses arguments that it does not understand', async () => {
        for (const options of [
            { nonce: 'abc' },
            { root: '04' },
            { at: 'yesterday' },
            { nrasToken: 'x' },
            { jwks: 'x' },
        ]) {
            await expect(verify(gpu(), options)).rejects.toMatchObject({ code: 'argument_invalid' });
        }
    });

    it('takes development evidence under its own root only', async () => {
        expect((await verify(gpu(), { root: undefined })).verdict.failedCheck).toBe('gpu_chain_root');
    });

    it('takes a report in hex with its chain, of either architecture', async () => {
        for (const architecture of ['HOPPER', 'BLACKWELL'] as const) {
            const [only] = gpu({}, { architecture });
            const hex = Buffer.from(only!.evidence, 'base64').toString('hex');
            const chain = file('chain.pem', Buffer.from(only!.certificate, 'base64').toString('latin1'));
            const { exitCode, verdict } = await verify(hex, { chain });
            expect(exitCode).toBe(0);
            expect(verdict.gpus).toEqual([expect.objectContaining({ architecture })]);
        }
        const chain = file('chain.pem', 'no chain');
        expect((await verify('ab'.repeat(4000), { chain })).exitCode).toBe(1);
        await expect(verify('xyz', { chain })).rejects.toMatchObject({ code: 'file_unusable' });
    });

    it('can ask for a statement of the mode', async () => {
        const document = gpu({ ccMode: null });
        expect((await verify(document)).exitCode).toBe(0);
        expect(await verify(document, { requireMode: true })).toMatchObject({
            exitCode: 1,
            verdict: { failedCheck: 'policy_gpu_mode' },
        });
    });

    it('judges an answer of the attestation service with it', async () => {
        const issuer = 'https://nras.example';
        const signer = createNrasSigner(seed, issuer);
        const gpus = judge(gpu()).gpus.map((facts) => ({ facts, measurementsMatch: true, isRevoked: false }));
        const nrasToken = file('token.json', mintNrasToken({ signer, nonce, at: now, gpus }));
        const jwks = file('jwks.json', nrasKeysOf(signer));
        expect(await verify(gpu(), { nrasToken, jwks, nrasIssuer: issuer })).toMatchObject({
            exitCode: 0,
            verdict: { checks: { revocation: 'nras', measurements: 'nras' } },
        });
        expect((await verify(gpu(), { nrasToken, jwks })).verdict.failedCheck).toBe('nras_issuer');
    });

    it('tells people what it found and what it did not look at', async () => {
        const { output } = await runVerifyGpu(file('gpu.json', gpu({ ccMode: null })), { root, at });
        for (const line of [/verdict +accepted/, /GPU 0 +GH100/, /\(unchecked\)/, /mode +UNSTATED/, /NOT NVIDIA/]) {
            expect(output).toMatch(line);
        }
    });
});

describeRealGpus('cocoon verify gpu on real GPUs', () => {
    const real = (name: string, options: VerifyGpuCommandOptions = {}) =>
        runVerifyGpu(gpuVectorFile(name), { at, ...options });

    it('takes JSON, and a report in hex with its chain', async () => {
        const chain = gpuVectorFile('hopperCertChain.txt');
        expect((await real('hopper_evidence.json')).output).toMatch(/root +NVIDIA/);
        expect((await real('hopperAttestationReport.txt', { chain })).exitCode).toBe(0);
        expect((await real('sdk-hopperReport-InvalidSignature.txt', { chain })).output).toMatch('gpu_report_signature');
    });
});
