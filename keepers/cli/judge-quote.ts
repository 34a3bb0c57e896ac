import {
    AttestationError,
    type Collateral,
    CollateralService,
    collateralNeeds,
    intelPcsUrl,
    PcsClient,
    type Verdict,
    type VerifyOptions,
    verifyQuoteSignature,
} from '../attestation';

export interface JudgeBy extends Omit<VerifyOptions, 'at'> {
    /** Now, unless given. */
    at?: Date;
}

export function collateralService(url = intelPcsUrl): CollateralService {
    return new CollateralService({ client: new PcsClient({ baseUrl: url }) });
}

/** Fetches what the quote needs and hands it to `verify`; the date is read after that, or fresh collateral is of the future. */
export async function judgeByService(
    quote: Buffer,
    options: JudgeBy & { service: CollateralService },
    verify: (collateral: Collateral, options: VerifyOptions) => Verdict,
): Promise<Verdict> {
    const { service, at, ...judgeBy } = options;
    try {
        const needs = collateralNeeds(quote, { at: at ?? new Date(), rootPublicKey: judgeBy.rootPublicKey });
        return verify(await service.collateralFor(needs), { ...judgeBy, at: at ?? new Date() });
    } catch (error) {
        if (!(error instanceof AttestationError) || error.code !== 'evidence_unusable') throw error;
        // A chain that does not reach the root is refused whatever collateral says: that is a verdict, not a failure.
        const verdict = verifyQuoteSignature(quote, { ...judgeBy, at: at ?? new Date() });
        if (verdict.verdict === 'rejected') return verdict;
        throw error;
    }
}
