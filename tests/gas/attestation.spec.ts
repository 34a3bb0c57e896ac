import { createHash } from 'node:crypto';
import { beginCell } from '@ton/core';
import { createDevelopmentPki, mintTdxQuote } from '../../keepers/attestation';
import { packHints, packQuote } from '../../wrappers/quote-packer';
import { p256Hints, toInteger } from '../../wrappers/quote-packer-p256';
import { createVerifier } from '../contracts/attestation/support/environment';
import { createKeyPair, signRaw } from '../contracts/attestation/support/minted-certificate';
import { mintedAtSec } from '../contracts/attestation/support/minted-quote';
import recorded from './attestation.json';

/** What gas may grow to before it is worth an argument; the recorded figures are exact. */
const limits = { p256Check: 17_000n, verifyQuoteV4: 130_000n, verifyQuoteV5: 130_000n };

const pki = createDevelopmentPki({ seed: Buffer.alloc(32, 9), now: new Date(mintedAtSec * 1000) });
const rootKey = pki.rootPublicKey.subarray(1);

async function gasOfVerification(version: 4 | 5): Promise<bigint> {
    const { verify } = await createVerifier({ rootKey, nowSec: mintedAtSec });
    const { quote } = mintTdxQuote({ pki, version, reportData: Buffer.alloc(64, 1) });
    const { verdict, gasUsed } = await verify(packQuote(quote));
    expect(verdict).toBe('verified');
    return gasUsed;
}

/** As the get method spends it: the check and some 400 gas of getting there. */
async function gasOfP256Check(): Promise<bigint> {
    const { blockchain, verifier } = await createVerifier({ rootKey, nowSec: mintedAtSec });
    const key = createKeyPair();
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
    return gasUsed;
}

it('attestation costs exactly what the table says, and less than its limits', async () => {
    const measured = {
        p256Check: await gasOfP256Check(),
        verifyQuoteV4: await gasOfVerification(4),
        verifyQuoteV5: await gasOfVerification(5),
    };
    for (const [row, limit] of Object.entries(limits)) {
        expect(measured[row as keyof typeof measured]).toBeLessThanOrEqual(limit);
    }
    const asNumbers = Object.fromEntries(Object.entries(measured).map(([row, gas]) => [row, Number(gas)]));
    expect(asNumbers).toEqual(recorded);
});
