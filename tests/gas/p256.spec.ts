import { createHash } from 'node:crypto';
import { beginCell } from '@ton/core';
import { packHints } from '../../wrappers/quote-packer';
import { p256Hints, toInteger } from '../../wrappers/quote-packer-p256';
import { createVerifier } from '../contracts/attestation/support/environment';
import { createKeyPair, signRaw } from '../contracts/attestation/support/minted-certificate';
import { mintedAtSec } from '../contracts/attestation/support/minted-quote';

/** Of which a verification makes several. */
const recordedGas = 16_747n;

/** As the get method spends it: the check and some 400 gas of getting there. */
it('one P-256 check costs exactly what is recorded', async () => {
    const key = createKeyPair();
    const { blockchain, verifier } = await createVerifier({ rootKey: key.point, nowSec: mintedAtSec });
    const message = Buffer.from('message');
    const check = {
        digest: createHash('sha256').update(message).digest(),
        signature: signRaw(key, message),
        key: key.point,
    };
    const slice = (bytes: Buffer) => ({ type: 'slice' as const, cell: beginCell().storeBuffer(bytes).endCell() });
    const { gasUsed, stackReader } = await blockchain.runGetMethod(verifier.address, 'p256Valid', [
        { type: 'int', value: toInteger(check.digest) },
        slice(check.signature),
        slice(check.key),
        { type: 'slice', cell: packHints(p256Hints(check)!) },
    ]);
    expect(stackReader.readBoolean()).toBe(true);
    expect(gasUsed).toBe(recordedGas);
});
