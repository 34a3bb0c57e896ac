import {
    createDevelopmentPki,
    createPlatform,
    mintSgxQuote,
    mintTdxQuote,
    verifyQuote,
    type DevelopmentPki,
    type MintedEvidence,
    type MintSgxQuoteOptions,
    type MintTdxQuoteOptions,
    type PkiOptions,
    type PlatformOptions,
    type Verdict,
    type VerifyOptions,
} from '../../../keepers/attestation';

export const now = new Date('2026-03-01T12:00:00Z');
export const seed = Buffer.alloc(32, 7);
export const reportData = Buffer.concat([Buffer.alloc(32, 0xab), Buffer.alloc(32, 0xcd)]);

export function developmentPki(certificates?: PkiOptions['certificates']): DevelopmentPki {
    return createDevelopmentPki({ seed, now, certificates });
}

export const pki = developmentPki();

export function tdx(options: Partial<MintTdxQuoteOptions> = {}): MintedEvidence {
    return mintTdxQuote({ pki, reportData, ...options });
}

export function sgx(options: Partial<MintSgxQuoteOptions> = {}): MintedEvidence {
    const platform = createPlatform(options.pki ?? pki, { authority: 'processor' });
    return mintSgxQuote({ pki, reportData, platform, ...options });
}

export function onPlatform(options: PlatformOptions, quote: Partial<MintTdxQuoteOptions> = {}): MintedEvidence {
    return tdx({ ...quote, platform: createPlatform(quote.pki ?? pki, options) });
}

/** Judges evidence under the development root, at the date it was minted for. */
export function judge(
    evidence: Pick<MintedEvidence, 'quote' | 'collateral'>,
    options: Partial<VerifyOptions> = {},
): Verdict {
    return verifyQuote(evidence.quote, evidence.collateral, { at: now, rootPublicKey: pki.rootPublicKey, ...options });
}
