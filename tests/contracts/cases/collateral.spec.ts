import { collateralOf, createAuthority, mintedAtSec, mintQuote } from '../attestation/support/minted-quote';
import { createVerifier, mintedEvaluation, postCollateral } from '../attestation/support/environment';
import { packQuote } from '../../../wrappers/quote-packer';

describe('case 28: collateral posted early or rolled back to steer verdicts', () => {
    const authority = createAuthority();
    const daySec = 86_400;
    const issuedAt = (daysBefore: number) => ({ issueDate: new Date((mintedAtSec - daysBefore * daySec) * 1000) });

    it('an older issue date never replaces a newer one', async () => {
        const current = collateralOf(authority, issuedAt(1));
        const environment = await createVerifier({
            rootKey: authority.root.point,
            nowSec: mintedAtSec,
            collateral: [current],
        });
        const before = await environment.verifier.getCollateral();
        // Genuine, in force, and kinder: from before the platform was found outdated.
        await postCollateral(environment.verifier, environment.sender, collateralOf(authority, issuedAt(9)));
        expect(await environment.verifier.getCollateral()).toEqual(before);
    });

    it('collateral of a later evaluation stands beside the one in use and changes no verdict by it', async () => {
        const early = collateralOf(authority, {
            ...issuedAt(0),
            evaluationNumber: mintedEvaluation + 1,
            platformStatus: 'OutOfDate',
        });
        const { judge, verifier } = await createVerifier({
            rootKey: authority.root.point,
            nowSec: mintedAtSec,
            collateral: [collateralOf(authority, issuedAt(1)), early],
        });
        const quote = packQuote(mintQuote({ authority }));
        expect(await judge(quote)).toBe('verified');
        expect((await verifier.getVerifiedQuote(quote, mintedEvaluation)).status).toBe('UpToDate');
        expect((await verifier.getVerifiedQuote(quote, mintedEvaluation + 1)).status).toBe('OutOfDate');
    });

    // Which evaluation counts is for governance: registration.spec.ts, "is refused by collateral below the evaluation floor", and
    // attestation/collateral.spec.ts for what the verifier itself takes.
});
