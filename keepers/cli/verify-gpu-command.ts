import {
    type GpuVerdict,
    nvidiaRootPublicKey,
    readGpuPair,
    readJsonFile,
    verifyGpuEvidence,
    verifyGpuEvidenceWithNras,
    type VerifyGpuOptions,
} from '../attestation';
import { CocoonError } from '../base';
import { gpuVerdictText } from './gpu-verdict-text';
import { readGpuRootKey } from './root-key';
import { lines } from './verdict-text';
import { type CommandResult, dateOf } from './verify-quote-command';

export interface VerifyGpuCommandOptions {
    chain?: string;
    nonce?: string;
    at?: string;
    root?: string;
    requireMode?: boolean;
    nrasToken?: string;
    jwks?: string;
    nrasIssuer?: string;
    json?: boolean;
}

/** `cocoon verify gpu`: offline; NVIDIA's service is not asked, but an answer of it in a file is judged. */
export async function runVerifyGpu(file: string, options: VerifyGpuCommandOptions): Promise<CommandResult> {
    const rootPublicKey = options.root === undefined ? undefined : readGpuRootKey(options.root);
    const document = options.chain === undefined ? readJsonFile(file) : readGpuPair(file, options.chain);
    const verdict = await judge(document, options, {
        at: dateOf(options.at) ?? new Date(),
        rootPublicKey,
        policy: { modeStatement: options.requireMode ? 'required' : 'any' },
        claims: { nonce: nonceOf(options.nonce) },
    });
    const output = options.json ? JSON.stringify(verdict) : `${gpuVerdictText(verdict)}\n${rootLine(rootPublicKey)}`;
    return { output, exitCode: verdict.verdict === 'accepted' ? 0 : 1 };
}

function judge(
    document: unknown,
    { nrasToken, jwks, nrasIssuer }: VerifyGpuCommandOptions,
    judgeBy: VerifyGpuOptions,
): Promise<GpuVerdict> | GpuVerdict {
    if (nrasToken === undefined && jwks === undefined) return verifyGpuEvidence(document, judgeBy);
    if (nrasToken === undefined || jwks === undefined) {
        throw unusable(
            '--nras-token and --jwks go together: an answer is worth nothing without the keys of its service',
        );
    }
    const nras = { keys: readJsonFile(jwks), issuer: nrasIssuer };
    return verifyGpuEvidenceWithNras(document, readJsonFile(nrasToken), { ...judgeBy, nras });
}

function nonceOf(text: string | undefined): Buffer | undefined {
    if (text === undefined) return undefined;
    if (/^[0-9a-fA-F]{64}$/.test(text)) return Buffer.from(text, 'hex');
    throw unusable('--nonce must be 32 bytes in hex');
}

function rootLine(rootPublicKey: Buffer | undefined): string {
    const isNvidia = rootPublicKey === undefined || rootPublicKey.equals(nvidiaRootPublicKey);
    return lines([
        ['root', isNvidia ? 'NVIDIA' : 'NOT NVIDIA: a development network, whose evidence anyone may have made'],
    ]);
}

function unusable(message: string): CocoonError {
    return new CocoonError('argument_invalid', message, { action: 'fix' });
}
