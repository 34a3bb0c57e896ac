import { createHash, randomInt } from 'node:crypto';
import {
    createGpu,
    createNrasSigner,
    gpuCheckCodes,
    mintGpuDocument,
    mintNrasToken,
    nrasKeysOf,
    verifyGpuEvidenceWithNras,
    type GpuCheckCode,
    type GpuDocument,
    type GpuVerdict,
} from '../../../../keepers/attestation/gpu';
import type { GpuFindings, NrasTokenChanges } from '../../../../keepers/attestation/gpu/mint/nras-token';
import { gpu, judge, nonce, now, pki, seed } from './development-gpus';
import { describeRealGpus, documentOfPair, readGpuVector } from './real-gpu-vectors';

const issuer = 'https://nras.example';
const signer = createNrasSigner(seed, issuer);
const keys = nrasKeysOf(signer);
const two = mintGpuDocument([createGpu(pki, { name: 'a' }), createGpu(pki, { name: 'b' })], { nonce });

interface Flaw {
    document?: GpuDocument;
    changes?: NrasTokenChanges;
    findings?: Partial<GpuFindings>;
    token?: Partial<Parameters<typeof mintNrasToken>[0]>;
}

/** What the service says of the document, with what is asked to be different. */
function tokenFor({ document = two, changes, findings, token }: Flaw = {}) {
    const gpus = judge(document).gpus.map((facts) => ({
        facts,
        measurementsMatch: true,
        isRevoked: false,
        ...findings,
    }));
    return mintNrasToken({ signer, nonce, at: now, gpus, changes, ...token });
}

function judgeToken(
    token: unknown,
    {
        document = two,
        at = now,
        nras = { keys, issuer },
    }: { document?: GpuDocument; at?: Date; nras?: { keys: unknown; issuer: string } } = {},
): Promise<GpuVerdict> {
    return verifyGpuEvidenceWithNras(document, token, {
        at,
        rootPublicKey: pki.rootPublicKey,
        policy: { modeStatement: 'required' },
        claims: { nonce },
        nras,
    });
}

const flawed = (flaw: Flaw) => judgeToken(tokenFor(flaw));
const claims = (changed: Record<string, unknown>) => flawed({ findings: { claims: changed } });
const stranger = createNrasSigner(Buffer.alloc(32, 99), issuer);
const later = (hours: number) => new Date(now.getTime() + hours * 3600_000);
const swapped = (tokens: Record<string, string>) => ({ 'GPU-0': tokens['GPU-1']!, 'GPU-1': tokens['GPU-0']! });

function parseOr(text: string): unknown {
    try {
        return JSON.parse(text) as unknown;
    } catch {
        return text;
    }
}

const flaws: Record<Extract<GpuCheckCode, `nras_${string}`>, () => Promise<GpuVerdict>> = {
    nras_format: () => judgeToken([['JWT', 'no token'], {}]),
    nras_algorithm: () => flawed({ changes: { header: { alg: 'none' }, sign: () => Buffer.alloc(0) } }),
    nras_key: () => flawed({ changes: { header: { kid: 'another' } } }),
    nras_signature: () => flawed({ token: { signer: stranger } }),
    nras_claims_format: () => flawed({ changes: { overall: { 'x-nvidia-ver': '4.0' } } }),
    nras_issuer: () => flawed({ token: { signer: { ...signer, issuer: 'https://elsewhere.example' } } }),
    nras_dates: () => judgeToken(tokenFor(), { at: later(1) }),
    nras_nonce: () => flawed({ token: { nonce: Buffer.alloc(32, 1) } }),
    nras_count: () => judgeToken(tokenFor({ document: gpu() })),
    nras_digest: () => flawed({ changes: { tokens: swapped } }),
    nras_device: () => judgeToken(tokenFor({ document: gpu({}, { name: 'c' }) }), { document: gpu() }),
    nras_revoked: () => flawed({ findings: { isRevoked: true } }),
    nras_measurements: () => flawed({ findings: { measurementsMatch: false } }),
    nras_debug: () => claims({ dbgstat: 'enabled' }),
    nras_claims: () => claims({ 'x-nvidia-gpu-driver-rim-signature-verified': false }),
    nras_result: () => flawed({ changes: { overall: { 'x-nvidia-overall-att-result': false } } }),
};

describe('tokens of the attestation service', () => {
    it('are accepted for the GPUs and the nonce that they are of', async () => {
        const verdict = await judgeToken(tokenFor());
        expect(verdict).toMatchObject({
            verdict: 'accepted',
            failedCheck: null,
            checks: { nonce: 'matched', mode: 'stated', revocation: 'nras', measurements: 'nras' },
            validUntil: later(1).toISOString(),
        });
    });

    it.each(Object.entries(flaws))('are refused with %s where that is all that is wrong', async (code, judged) => {
        expect(await judged()).toMatchObject({
            verdict: 'rejected',
            failedCheck: code,
            validUntil: null,
            checks: { revocation: 'unchecked', measurements: 'unchecked' },
        });
    });

    it('have a flaw for each of their codes', () => {
        expect(Object.keys(flaws)).toEqual(gpuCheckCodes.filter((code) => code.startsWith('nras_')));
    });

    const p256Key = { kty: 'EC', crv: 'P-256', kid: signer.kid, x: keys.keys[0]!['x'], y: keys.keys[0]!['y'] };
    const others: [string, () => Promise<GpuVerdict>, GpuCheckCode][] = [
        [
            'signed with HMAC under the public key',
            () => flawed({ changes: { header: { alg: 'HS384' } } }),
            'nras_algorithm',
        ],
        [
            'that asks for unknown header rules',
            () => flawed({ changes: { header: { crit: ['b64'], b64: false } } }),
            'nras_algorithm',
        ],
        ['without a key id', () => flawed({ changes: { header: { kid: undefined } } }), 'nras_algorithm'],
        [
            'under keys of another curve',
            () => judgeToken(tokenFor(), { nras: { keys: { keys: [p256Key] }, issuer } }),
            'nras_key',
        ],
        [
            'under a key listed twice',
            () => judgeToken(tokenFor(), { nras: { keys: { keys: [...keys.keys, ...keys.keys] }, issuer } }),
            'nras_key',
        ],
        ['under what is no key list', () => judgeToken(tokenFor(), { nras: { keys: [], issuer } }), 'nras_key'],
        ['of the future', () => judgeToken(tokenFor(), { at: later(-1) }), 'nras_dates'],
        ['with one that has no submodules', () => flawed({ changes: { overall: { submods: {} } } }), 'nras_count'],
        [
            'where one GPU is named twice',
            () => flawed({ findings: { claims: { ueid: judge(two).gpus[0]!.ueid } } }),
            'nras_device',
        ],
        ['of another driver than the report', () => claims({ 'x-nvidia-gpu-driver-version': '1.0' }), 'nras_device'],
        ['that do not say secure boot', () => claims({ secboot: undefined }), 'nras_debug'],
        [
            'whose reference values are not signed by a good certificate',
            () =>
                claims({
                    'x-nvidia-gpu-vbios-rim-cert-chain': {
                        'x-nvidia-cert-status': 'expired',
                        'x-nvidia-cert-ocsp-status': 'good',
                    },
                }),
            'nras_revoked',
        ],
        ['of a GPU with another nonce', () => claims({ eat_nonce: '00'.repeat(32) }), 'nras_nonce'],
        ['of a GPU that have expired', () => claims({ exp: 1 }), 'nras_dates'],
        ['of a GPU by another issuer', () => claims({ iss: 'https://elsewhere.example' }), 'nras_issuer'],
        ['that lack a claim', () => claims({ measres: undefined }), 'nras_claims_format'],
    ];
    it.each(others)('are refused: %s', async (_, judged, code) => {
        expect(await judged()).toMatchObject({ verdict: 'rejected', failedCheck: code });
    });

    it('are not looked at for evidence that does not hold by itself', async () => {
        const verdict = await judgeToken('no token at all', { document: gpu({ ccMode: 'off' }) });
        expect(verdict.failedCheck).toBe('gpu_cc_off');
    });

    it('of any form at all get a verdict with a reason, and no answer is thrown', async () => {
        const good = JSON.stringify(tokenFor());
        const shapes: unknown[] = [null, 0, 'x', [], [[]], [['JWT']], [['JWT', 'a.b.c'], null], [['JWT', 'a.b.c'], {}]];
        for (let round = 0; round < 200; round++) {
            const at = randomInt(good.length);
            const changed = `${good.slice(0, at)}${String.fromCharCode(randomInt(32, 127))}${good.slice(at + randomInt(3))}`;
            shapes.push(parseOr(changed));
        }
        for (const shape of shapes) {
            const verdict = await judgeToken(shape);
            expect(verdict.failedCheck).not.toBe('internal_error');
            expect(verdict.verdict === 'accepted').toBe(verdict.failedCheck === null);
        }
    });

    it('lose their worth with any change of a byte', async () => {
        const [[, overall], tokens] = tokenFor();
        for (let at = 0; at < overall.length; at += 7) {
            const letter = overall[at] === 'A' ? 'B' : 'A';
            const changed = `${overall.slice(0, at)}${letter}${overall.slice(at + 1)}`;
            expect((await judgeToken([['JWT', changed], tokens])).verdict).toBe('rejected');
        }
    });
});

describeRealGpus('a real token of the service', () => {
    it('names the SHA-256 of each GPU’s token, as ours must', () => {
        const [overall, tokens] = JSON.parse(readGpuVector('nras_hopper_v3_detached_eat.json')) as [
            [string, string],
            Record<string, string>,
        ];
        const claims = JSON.parse(Buffer.from(overall[1].split('.')[1]!, 'base64url').toString()) as {
            submods: Record<string, unknown>;
        };
        const digests = Object.entries(tokens).map(([name, token]) => [
            name,
            ['DIGEST', ['SHA-256', createHash('sha256').update(token).digest('hex')]],
        ]);
        expect(claims.submods).toEqual(Object.fromEntries(digests));
    });

    it('has the form that is asked for, up to its signature, whose key is not among the vectors', async () => {
        const token: unknown = JSON.parse(readGpuVector('nras_hopper_v3_detached_eat.json'));
        const document = documentOfPair('hopperAttestationReport.txt');
        const judged = (list: unknown) =>
            verifyGpuEvidenceWithNras(document, token, {
                at: new Date('2025-06-11T00:31:00Z'),
                nras: { keys: list },
            });
        expect(await judged({ keys: [] })).toMatchObject({ failedCheck: 'nras_key' });
        const kid = 'nv-eat-kid-prod-20250609211310110-93b13aa1-17e4-4c14-9d33-dba2323329f2';
        expect(await judged({ keys: [{ ...keys.keys[0], kid }] })).toMatchObject({ failedCheck: 'nras_signature' });
    });
});
