import { createHash } from 'node:crypto';
import { Cell } from '@ton/core';
import {
    createDevelopmentPki,
    createPlatform,
    imageIdOf,
    mintTdxQuote,
    verifyQuoteSignature,
} from '../../../keepers/attestation';
import { packQuote } from '../../../wrappers/quote-packer';
import { QuotePackError } from '../../../wrappers/quote-packer-error';
import { createVerifier, mintedEvaluation } from './support/environment';
import { mintedAtSec } from './support/minted-quote';

const now = new Date(mintedAtSec * 1000);
const pki = createDevelopmentPki({ seed: Buffer.alloc(32, 7), now });
const rootKey = pki.rootPublicKey.subarray(1);
const reportData = Buffer.concat([Buffer.alloc(32, 0xb1), Buffer.alloc(32, 0xb2)]);
const measurements = {
    mrtd: Buffer.alloc(48, 1),
    rtmr0: Buffer.alloc(48, 2),
    rtmr1: Buffer.alloc(48, 3),
    rtmr2: Buffer.alloc(48, 4),
    rtmr3: Buffer.alloc(48, 5),
};
const inHex = {
    mrtd: '01'.repeat(48),
    rtmr0: '02'.repeat(48),
    rtmr1: '03'.repeat(48),
    rtmr2: '04'.repeat(48),
    rtmr3: '05'.repeat(48),
};

describe("a quote of the keepers' simulated TEE", () => {
    const layouts = [
        { version: 4, authority: 'platform' },
        { version: 4, authority: 'processor' },
        { version: 5, bodyType: 2, authority: 'platform' },
        { version: 5, bodyType: 3, authority: 'platform' },
    ] as const;

    it.each(layouts)('is verified on chain with the same facts as off it: %o', async ({ authority, ...layout }) => {
        const platform = createPlatform(pki, { authority });
        const { quote, collateral } = mintTdxQuote({ pki, platform, reportData, measurements, ...layout });
        const { verifier } = await createVerifier({ rootKey, nowSec: mintedAtSec, collateral: [collateral] });
        const verified = await verifier.getVerifiedQuote(packQuote(quote), mintedEvaluation);
        expect(verified).toEqual({
            imageId: imageIdOf(inHex),
            platformId: createHash('sha256').update(platform.facts.ppid).digest(),
            bundleHash: reportData.subarray(0, 32),
            mcRootHash: reportData.subarray(32),
            tdAttributes: Buffer.from('0000001000000000', 'hex'),
            status: 'UpToDate',
            evaluation: mintedEvaluation,
            fmspc: platform.facts.fmspc,
        });
    });

    it('is refused by both sides after one flipped byte', async () => {
        const { quote, collateral } = mintTdxQuote({ pki, reportData, measurements });
        const { judge } = await createVerifier({ rootKey, nowSec: mintedAtSec, collateral: [collateral] });
        const offChain = (bytes: Buffer) => verifyQuoteSignature(bytes, { at: now, rootPublicKey: pki.rootPublicKey });
        expect([offChain(quote).verdict, await judge(packQuote(quote))]).toEqual(['accepted', 'verified']);
        for (let at = 3; at < 1252; at += 61) {
            const flipped = Buffer.from(quote);
            flipped[at]! ^= 0x20;
            const verdict = await judgeOrRefuseToPack(judge, flipped);
            expect([at, offChain(flipped).verdict, verdict]).toEqual([
                at,
                'rejected',
                expect.not.stringMatching(/^verified$/),
            ]);
        }
    });
});

async function judgeOrRefuseToPack(judge: (packed: Cell) => Promise<string>, quote: Buffer): Promise<string> {
    try {
        return await judge(packQuote(quote));
    } catch (error) {
        if (error instanceof QuotePackError) return error.code;
        throw error;
    }
}
