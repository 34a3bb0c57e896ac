import { z } from 'zod';
import {
    inspectQuoteFile,
    readPolicyFile,
    readQuoteFile,
    type Verdict,
    verifyQuote,
    verifyQuoteFile,
} from '../attestation';
import { CocoonError } from '../base';
import { collateralService, judgeByService } from './judge-quote';
import { readRootKey } from './root-key';
import { lines, rootText, verdictText } from './verdict-text';

export interface VerifyQuoteOptions {
    collateral?: string;
    pcs?: string;
    at?: string;
    policy?: string;
    root?: string;
    signatureOnly?: boolean;
    json?: boolean;
}

/** What a command prints, and its exit code. */
export interface CommandResult {
    output: string;
    exitCode: 0 | 1 | 2;
}

/** `cocoon verify quote`: by the collateral file where one is named, else by what the collateral service says now. */
export async function runVerifyQuote(file: string, options: VerifyQuoteOptions): Promise<CommandResult> {
    const rootPublicKey = options.root === undefined ? undefined : readRootKey(options.root);
    const verdict = await judgeFile(file, options, { at: dateOf(options.at), rootPublicKey });
    const note = options.signatureOnly
        ? '\nsignatures only: nothing is known of revocation or the platform’s state'
        : '';
    return {
        output: options.json ? JSON.stringify(verdict) : `${verdictText(verdict)}\n${rootText(rootPublicKey)}${note}`,
        exitCode: verdict.verdict === 'accepted' ? 0 : 1,
    };
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
