import { intelRootKey } from '../../wrappers';
import { createVerifier, postCollateral } from '../contracts/attestation/support/environment';
import { presentVectors, readCollateral, realVectors } from '../keepers/attestation/real-vectors';

/** Of one transaction that is no batch. */
const heaviestAllowed = 800_000n;
const real = presentVectors(
    'gas of real TCB infos',
    realVectors.filter(({ quote, collateral }) => quote.startsWith('tdx') && collateral !== null),
);

(real.length > 0 ? describe : describe.skip)("Intel's own TCB infos", () => {
    it.each(real)('$collateral is posted within the limit', async (vector) => {
        const nowSec = Date.parse(vector.at) / 1000;
        const { verifier, sender } = await createVerifier({ rootKey: intelRootKey, kind: 1, nowSec });
        const [rootList, pckList, tcbInfo, qeIdentity] = await postCollateral(verifier, sender, readCollateral(vector));
        expect(tcbInfo).toBeLessThanOrEqual(400_000n);
        for (const gas of [rootList, pckList, qeIdentity]) expect(gas).toBeLessThanOrEqual(heaviestAllowed);
    });
});
