import { createHash } from 'node:crypto';
import { beginCell } from '@ton/core';
import { packHints } from '../../wrappers/quote-packer';
import { p256Hints, toInteger } from '../../wrappers/quote-packer-p256';
import { createVerifier } from '../contracts/attestation/support/environment';
import { createKeyPair, signRaw } from '../contracts/attestation/support/minted-certificate';
import { mintedAtSec } from '../contracts/attestation/support/minted-quote';

/** Of which a verification makes several. */
const recordedGas = 15_032;
const limit = 17_000;

/** As the get method spends it, less what it spends on a key outside the field, which it refuses at once: that is the way there. */
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
    async function spent(point: Buffer, isValid: boolean): Promise<number> {
        const { gasUsed, stackReader } = await blockchain.runGetMethod(verifier.address, 'p256Valid', [
            { type: 'int', value: toInteger(check.digest) },
            slice(check.signature),
            slice(point),
            { type: 'slice', cell: packHints(p256Hints(check)!) },
        ]);
        expect(stackReader.readBoolean()).toBe(isValid);
        return Number(gasUsed);
    }
    const gas = (await spent(key.point, true)) - (await spent(Buffer.alloc(64, 0xff), false));
    expect(gas).toBe(recordedGas);
    expect(gas).toBeLessThanOrEqual(limit);
});
