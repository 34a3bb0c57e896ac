import { z } from 'zod';
import { readCollateralFile, verifyTdxQuote } from '../attestation';
import {
    type DstackAttestation,
    type DstackExpectation,
    type DstackVerdict,
    judgeDstackAttestation,
    readDstackReportFile,
} from '../attestation/dstack';
import { CocoonError } from '../base';
import { collateralService, judgeByService } from './judge-quote';
import { readGpuRootKey, readRootKey } from './root-key';
import { lines, rootText, verdictText } from './verdict-text';
import { type CommandResult, dateOf } from './verify-quote-command';

export interface VerifyDstackOptions {
    collateral?: string;
    pcs?: string;
    nonce?: string;
    at?: string;
    root?: string;
    gpuRoot?: string;
    json?: boolean;
}

/**
 * `cocoon verify dstack`: every attestation of a report, each by its own quote. One that is refused refuses the report,
 * and its verdict is the one shown first.
 */
export async function runVerifyDstack(file: string, options: VerifyDstackOptions): Promise<CommandResult> {
    const rootPublicKey = options.root === undefined ? undefined : readRootKey(options.root);
    const judge = judgeOf(options, { at: dateOf(options.at), rootPublicKey });
    const verdicts: DstackVerdict[] = [];
    for (const attestation of readDstackReportFile(file)) verdicts.push(await judge(attestation));
    const decisive = verdicts.find(({ verdict }) => verdict === 'rejected') ?? verdicts[0]!;
    const output = options.json
        ? JSON.stringify({ ...decisive, attestations: verdicts })
        : `${verdicts.map(describe).join('\n\n')}\n${rootText(rootPublicKey)}`;
    return { output, exitCode: decisive.verdict === 'accepted' ? 0 : 1 };
}

function judgeOf(
    { collateral: file, pcs, nonce, gpuRoot }: VerifyDstackOptions,
    by: { at?: Date; rootPublicKey?: Buffer },
): (attestation: DstackAttestation) => Promise<DstackVerdict> {
    const gpuRootPublicKey = gpuRoot === undefined ? undefined : readGpuRootKey(gpuRoot);
    const expected: DstackExpectation = { nonce: nonceOf(nonce), gpuRootPublicKey };
    if (file !== undefined) {
        const collateral = readCollateralFile(file);
        return (attestation) => {
            const verdict = verifyTdxQuote(attestation.quote, collateral, { ...by, at: by.at ?? new Date() });
            return Promise.resolve(judgeDstackAttestation(attestation, verdict, expected));
        };
    }
    const service = collateralService(pcs);
    return async (attestation) => {
        const { quote } = attestation;
        const verdict = await judgeByService(quote, { ...by, service }, (collateral, judgeBy) =>
            verifyTdxQuote(quote, collateral, judgeBy),
        );
        return judgeDstackAttestation(attestation, verdict, expected);
    };
}

const nonceSchema = z.string().regex(/^[0-9a-fA-F]{64}$/);

function nonceOf(text: string | undefined): Buffer | undefined {
    if (text === undefined) return undefined;
    if (nonceSchema.safeParse(text).success) return Buffer.from(text, 'hex');
    throw new CocoonError('argument_invalid', '--nonce must be 32 bytes in hex', { action: 'fix' });
}

function describe(verdict: DstackVerdict): string {
    const facts = lines([
        ['attestation of', verdict.role],
        ['signing key', `${verdict.signingAddress} (${verdict.signingAlgo})`],
        ['model', verdict.modelName],
        ['nonce', verdict.nonceChecked ? 'as asked for' : verdict.nonce && `UNCHECKED: ${verdict.nonce}`],
        ['TLS key', verdict.tlsFingerprint],
        ['application', verdict.appId],
        ['instance', verdict.instanceId],
        ['manifest', verdict.composeHash],
        ['GPUs', verdict.gpus && gpusText(verdict.gpus)],
    ]);
    return `${verdictText(verdict)}\n${facts}`;
}

function gpusText({ gpus, checks }: NonNullable<DstackVerdict['gpus']>): string {
    return `${gpus.map(({ chip }) => chip).join(', ')}; mode ${checks.mode}, revocation ${checks.revocation}`;
}
