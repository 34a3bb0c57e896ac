import { createHash } from 'node:crypto';
import { z } from 'zod';
import { collateralTexts, type Collateral } from './collateral-shape';
import { AttestationError } from './errors';
import { verifyTdxQuote, type VerifyOptions } from './verify/verify-quote';
import type { Verdict } from './verify/verdict';

/** Evidence as gateways and dispatchers serve it, among whatever else they say of a node. */
const servedEvidence = z.object({
    bundle: z.base64(),
    quote: z.base64(),
    collateral: collateralTexts,
});

export interface ServedEvidence {
    /** The key bundle, as the quote's report data hashes it. */
    bundle: Buffer;
    quote: Buffer;
    /** Served along for looking at evidence offline; a relying party fetches its own. */
    collateral: Collateral;
}

export function readServedEvidence(json: unknown): ServedEvidence {
    const { success, data, error } = servedEvidence.safeParse(json);
    if (!success) {
        throw new AttestationError(
            'evidence_unusable',
            'the evidence served has not the form of a directory entry',
            error,
        );
    }
    const [bundle, quote] = [data.bundle, data.quote].map((text) => Buffer.from(text, 'base64')) as [Buffer, Buffer];
    return { bundle, quote, collateral: data.collateral };
}

/** Judges evidence that a gateway or a dispatcher serves: the quote must have been made for the key bundle beside it. */
export function verifyServedEvidence(evidence: ServedEvidence, options: VerifyOptions): Verdict {
    const bundleHash = createHash('sha256').update(evidence.bundle).digest();
    const claims = { ...options.claims, bundleHash };
    return verifyTdxQuote(evidence.quote, evidence.collateral, { ...options, claims });
}
