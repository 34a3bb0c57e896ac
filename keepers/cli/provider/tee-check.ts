import { gpuNonceFor, inspectQuote, nvidiaRootPublicKey, verifyGpuEvidence } from '../../attestation';
import { randomBytes } from 'node:crypto';
import type { NodeTee } from '../../node';
import { gpusOf } from '../node-gpu-source';
import { teeOf } from '../node-tee';
import { type Check, type CheckResult, fail, ok, warn } from './check';
import type { NodeContext } from './node-context';

/** What the machine shows of itself, for the checks that hold it against the chain. */
export interface SeenTee {
    imageId: Buffer;
    /** Of a TDX guest: the platform family whose collateral judges it. */
    fmspc: Buffer | null;
}

const sources = {
    'configfs-tsm': 'TDX guest, by configfs-tsm',
    dstack: 'TDX guest, by the dstack agent',
    snp: 'SEV-SNP guest',
    simulated: 'SIMULATED TDX guest: quotes are minted, nothing is confidential',
    'simulated-snp': 'SIMULATED SEV-SNP guest: reports are minted, nothing is confidential',
} as const;

/** Takes evidence as the node would. @returns null where there is none, with the reason among the results */
export async function checkTee(context: NodeContext): Promise<{ results: CheckResult[]; seen: SeenTee | null }> {
    const { config, deployment } = context;
    const { kind } = config.tee;
    const simulated = kind === 'simulated' || kind === 'simulated-snp';
    if (simulated && deployment.kind === 'production') {
        const next = 'set tee.kind to configfs-tsm, dstack or snp and run the node inside a TEE';
        return { results: [fail('tee', `${sources[kind]}; a production network refuses them`, next)], seen: null };
    }
    const tee = await teeOf(config);
    const imageId = tee.imageId.toString('hex');
    return {
        results: [ok('tee', `${sources[kind]}; image ${imageId}`)],
        seen: { imageId: tee.imageId, fmspc: await familyOf(tee) },
    };
}

async function familyOf(tee: NodeTee): Promise<Buffer | null> {
    if (tee.snp !== undefined) return null;
    return Buffer.from(inspectQuote(await tee.quotes.quote(randomBytes(64))).platform.fmspc, 'hex');
}

/** The GPUs' evidence over a nonce of the form that a node uses, judged as the node and its clients judge it. */
export const checkGpu: Check = async ({ config, deployment }) => {
    const gpus = gpusOf(config);
    if (gpus === undefined) {
        return [
            warn(
                'gpu',
                'none is declared',
                'set gpu, unless the node is meant to serve from its processors: gateways can require GPUs',
            ),
        ];
    }
    const nonce = gpuNonceFor({
        network: deployment.registry.hash,
        provider: config.provider.hash,
        suite: 1,
        signingKey: randomBytes(32),
        mcRootHash: randomBytes(32),
    });
    const {
        verdict,
        detail,
        failedCheck,
        gpus: seen,
    } = verifyGpuEvidence(await gpus.source.evidence(nonce), {
        at: new Date(),
        rootPublicKey: gpus.rootPublicKey ?? nvidiaRootPublicKey,
        policy: { minGpus: gpus.count, modeStatement: 'required' },
        claims: { nonce },
    });
    const modes = seen.map(
        ({ chip, ccMode, devTools }) => `${chip} CC ${ccMode ?? 'unstated'}, dev tools ${devTools ?? 'unstated'}`,
    );
    const from = config.gpu?.kind === 'simulated' ? 'SIMULATED, ' : '';
    if (verdict === 'accepted') return [ok('gpu', `${from}${modes.join('; ')}`)];
    const next = modes.some((mode) => !mode.includes('CC on'))
        ? 'put the GPU into confidential mode (nvidia_gpu_tools --set-cc-mode=on --reset-after-cc-mode-switch on the host), boot the guest anew'
        : 'check driver, VBIOS and the evidence source: cocoon verify gpu on its output names the rule';
    return [fail('gpu', `${from}${detail} (${failedCheck}); ${modes.join('; ') || 'no GPU answered'}`, next)];
};
