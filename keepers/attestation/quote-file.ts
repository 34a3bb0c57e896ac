import { readFileSync } from 'node:fs';
import { readCollateralFile, readJson } from './collateral/files';
import { AttestationError } from './errors';
import { inspectQuote, type QuoteInspection } from './inspect-quote';
import { policySchema, type Policy } from './policy/policy';
import { verifyQuote, verifyQuoteSignature } from './verify/verify-quote';
import type { Verdict } from './verify/verdict';

export interface VerifyQuoteFileOptions {
    /** JSON of the nine collateral texts; may be left out only with `signatureOnly`. */
    collateralFile?: string;
    /** Now, unless given. */
    at?: Date;
    policyFile?: string;
    /** Check the quote's own signatures and the policy on its report, nothing else. */
    signatureOnly?: boolean;
    /** Of a development network; Intel's unless given. */
    rootPublicKey?: Buffer;
}

/** Accepted is 0, rejected 1; input that cannot be judged throws an AttestationError, which a shell sees as 2. */
export type QuoteFileResult = { verdict: Verdict; exitCode: 0 | 1 };

/** The whole of `verify quote`: reads the files, judges, and leaves printing to the caller. */
export function verifyQuoteFile(file: string, options: VerifyQuoteFileOptions = {}): QuoteFileResult {
    const { collateralFile, policyFile, rootPublicKey } = options;
    const quote = readQuoteFile(file);
    const policy = policyFile === undefined ? undefined : readPolicyFile(policyFile);
    const judgeBy = { at: options.at ?? new Date(), rootPublicKey, policy };
    if (options.signatureOnly) {
        return resultOf(verifyQuoteSignature(quote, judgeBy));
    }
    if (collateralFile === undefined) {
        throw new AttestationError(
            'file_unusable',
            'no collateral: name a collateral file, or ask for signatures only',
        );
    }
    return resultOf(verifyQuote(quote, readCollateralFile(collateralFile), judgeBy));
}

/** The whole of `inspect quote`: what the bytes claim, nothing of it verified. */
export function inspectQuoteFile(file: string): QuoteInspection {
    return inspectQuote(readQuoteFile(file));
}

export function readPolicyFile(file: string): Policy {
    return readJson(file, policySchema, 'policy');
}

/** A quote as it came, or as hex text. */
export function readQuoteFile(file: string): Buffer {
    let bytes: Buffer;
    try {
        bytes = readFileSync(file);
    } catch (error) {
        throw new AttestationError('file_unusable', `${file} cannot be read`, error);
    }
    const text = bytes.toString('latin1').trim();
    return /^(?:0x)?(?:[0-9a-fA-F]{2})+$/.test(text) ? Buffer.from(text.replace(/^0x/, ''), 'hex') : bytes;
}

function resultOf(verdict: Verdict): QuoteFileResult {
    return { verdict, exitCode: verdict.verdict === 'accepted' ? 0 : 1 };
}
