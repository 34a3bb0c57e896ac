import { z } from 'zod';
import {
    inspectQuoteFile,
    readCollateralFile,
    readPolicyFile,
    readQuoteFile,
    type Verdict,
    verifyQuote,
    verifyQuoteFile,
} from '../attestation';
import { CocoonError } from '../base';
import { collateralService, judgeByService } from './judge-quote';
import type { VerdictOnChain } from './on-chain-verdict';
import { readRootKey } from './root-key';
import { lines, rootText, verdictText } from './verdict-text';

export interface VerifyQuoteOptions {
    collateral?: string;
    pcs?: string;
    at?: string;
    policy?: string;
    root?: string;
    signatureOnly?: boolean;
    onChain?: boolean;
    json?: boolean;
}

/** The emulator is large, and installed for development only: it loads when it is asked for. */
type LoadOnChain = () => Pick<typeof import('./on-chain-verdict'), 'judgeOnChain'>;

function noEmulator(): never {
    throw new CocoonError('argument_invalid', '--on-chain is not available here', { action: 'fix' });
}

/** What a command prints, and its exit code. */
export interface CommandResult {
    output: string;
    exitCode: 0 | 1 | 2;
}

/** `cocoon verify quote`: by the collateral file where one is named, else by what the collateral service says now. */
export async function runVerifyQuote(
    file: string,
    options: VerifyQuoteOptions,
    loadOnChain: LoadOnChain = noEmulator,
): Promise<CommandResult> {
    const rootPublicKey = options.root === undefined ? undefined : readRootKey(options.root);
    const by = { at: dateOf(options.at), rootPublicKey };
    const offChain = await judgeFile(file, options, by);
    const verdict = options.onChain
        ? await onChainVerdict(file, options, { ...by, offChain, load: loadOnChain })
        : offChain;
    const note = options.signatureOnly
        ? '\nsignatures only: nothing is known of revocation or the platform’s state'
        : '';
    return {
        output: options.json
            ? JSON.stringify(verdict)
            : `${verdictText(verdict)}\n${rootText(rootPublicKey)}${note}${costText(verdict)}`,
        exitCode: verdict.verdict === 'accepted' ? 0 : 1,
    };
}

/** By the contract itself, in an emulator. */
async function onChainVerdict(
    file: string,
    { collateral }: VerifyQuoteOptions,
    { at, load, ...judged }: { at?: Date; rootPublicKey?: Buffer; offChain: Verdict; load: LoadOnChain },
): Promise<VerdictOnChain> {
    if (collateral === undefined || at === undefined) {
        throw new CocoonError(
            'argument_invalid',
            '--on-chain needs --collateral and --at: a chain stands at one date',
            {
                action: 'fix',
            },
        );
    }
    return load().judgeOnChain(readQuoteFile(file), readCollateralFile(collateral), { ...judged, at });
}

async function judgeFile(
    file: string,
    options: VerifyQuoteOptions,
    by: { at?: Date; rootPublicKey?: Buffer },
): Promise<Verdict> {
    const { collateral: collateralFile, policy: policyFile, signatureOnly } = options;
    if (collateralFile !== undefined || signatureOnly) {
        return verifyQuoteFile(file, { ...by, collateralFile, policyFile, signatureOnly }).verdict;
    }
    const quote = readQuoteFile(file);
    const policy = policyFile === undefined ? undefined : readPolicyFile(policyFile);
    return judgeByService(quote, { ...by, policy, service: collateralService(options.pcs) }, (collateral, judgeBy) =>
        verifyQuote(quote, collateral, judgeBy),
    );
}

function costText(verdict: Verdict | VerdictOnChain): string {
    if (!('messages' in verdict)) return '';
    const { sandbox, mainnet2026 } = verdict.tonCost;
    const messages = verdict.messages.map(({ message, gas }): [string, string] => [message, `${gas} gas`]);
    return `\n${lines([...messages, ['cost', `${mainnet2026} TON (${sandbox} at the sandbox’s prices)`]])}`;
}

const isoDate = z.union([z.iso.datetime({ offset: true }), z.iso.date()]);

export function dateOf(text: string | undefined): Date | undefined {
    if (text === undefined) return undefined;
    if (isoDate.safeParse(text).success) return new Date(text);
    throw new CocoonError('argument_invalid', '--at must be a date like 2026-02-20 or 2026-02-20T12:00:00Z', {
        action: 'fix',
    });
}

/** `cocoon inspect quote`: nothing is verified, so it is never a verdict. */
export function runInspectQuote(file: string, options: { json?: boolean }): CommandResult {
    const inspection = inspectQuoteFile(file);
    if (options.json) return { output: JSON.stringify(inspection), exitCode: 0 };
    const { verified, measurements, enclave, platform, certificates, ...facts } = inspection;
    return {
        output: lines([
            ['verified', verified ? 'yes' : 'no: this is what the bytes claim'],
            ...Object.entries({ ...facts, ...measurements, ...enclave }),
            ...Object.entries({ ...platform, components: platform.components.join(' ') }),
            ...certificates.map(({ subject, notBefore, notAfter }): [string, string] => [
                'certificate',
                `${subject}, ${notBefore} to ${notAfter}`,
            ]),
        ]),
        exitCode: 0,
    };
}
