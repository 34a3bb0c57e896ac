import { createHash } from 'node:crypto';
import { createPlatform } from '../../../keepers/attestation';
import { cutQuote, packPartsOfKnownPck, packQuote, pckKeyHash } from '../../../wrappers/quote-packer';
import { blocksWith, namedBlock } from './support/environment';
import { mintedAtSec } from './support/minted-quote';
import { collateral, createPostbox, evidence, pki, type Postbox, secondsLater } from './support/postings';

const yearSec = 366 * 86_400;
const { quote } = evidence();
const parts = cutQuote(quote);
const keyHash = pckKeyHash(parts);
const known = packPartsOfKnownPck(parts);
const inForce = { nextUpdate: secondsLater(2 * yearSec), rootCrl: { nextUpdate: secondsLater(2 * yearSec) } };
let box: Postbox;
let withCollateral: ReturnType<Postbox['blockchain']['snapshot']>;

beforeAll(async () => {
    box = await createPostbox();
    expect(await box.postAll(collateral(inForce))).toEqual(['taken', 'taken', 'taken', 'taken']);
    withCollateral = box.blockchain.snapshot();
});
beforeEach(() => box.blockchain.loadFrom(withCollateral));
afterEach(() => (box.blockchain.now = mintedAtSec));

describe('a PCK key that was verified once', () => {
    it('lets its quotes leave their certificates out, which says the same for less gas', async () => {
        expect((await box.verify(known)).verdict).toBe('unknown PCK key');
        const full = await box.verify(packQuote(quote));
        const short = await box.verify(known);
        expect([full.verdict, short.verdict]).toEqual(['verified', 'verified']);
        expect(short.gasUsed).toBeLessThan((full.gasUsed * 7n) / 10n);
        const { imageId, platformId, bundleHash, evidence: proof } = full.delivered!;
        expect(short.delivered).toMatchObject({ imageId, platformId, bundleHash });
        expect(short.delivered!.evidence).toEqualCell(proof);
        expect(await box.verifier.getIsKnownPck(keyHash)).toBe(true);
        expect((await box.verifier.getCollateral()).knownPckCount).toBe(1);
    });

    it('is remembered once, for a year, and is forgotten to its second', async () => {
        await box.verify(packQuote(quote));
        await box.verify(packQuote(quote));
        expect((await box.verifier.getCollateral()).knownPckCount).toBe(1);
        expect((await box.prunePck(keyHash)).verdict).toBe('nothing to prune');
        box.blockchain.now = mintedAtSec + yearSec - 1;
        expect(await box.judge(known)).toBe('verified');
        expect((await box.prunePck(keyHash)).verdict).toBe('nothing to prune');
        box.blockchain.now = mintedAtSec + yearSec;
        expect(await box.judge(known)).toBe('unknown PCK key');
        expect(await box.verifier.getIsKnownPck(keyHash)).toBe(false);
        expect((await box.prunePck(keyHash)).verdict).toBe('taken');
        expect((await box.prunePck(keyHash)).verdict).toBe('nothing to prune');
        expect((await box.verifier.getCollateral()).knownPckCount).toBe(0);
        expect((await box.verify(packQuote(quote))).verdict).toBe('verified');
    });

    it('is not kept alive by quotes without certificates', async () => {
        await box.verify(packQuote(quote));
        box.blockchain.now = mintedAtSec + yearSec - 1;
        expect((await box.verify(known)).verdict).toBe('verified');
        box.blockchain.now = mintedAtSec + yearSec;
        expect((await box.verify(known)).verdict).toBe('unknown PCK key');
    });

    it('is not remembered where the quote was refused', async () => {
        expect((await box.verify(packQuote(quote), { isRecent: false })).verdict).toBe('block is not a recent one');
        expect((await box.verifier.getCollateral()).knownPckCount).toBe(0);
    });

    it('serves no longer than its certificates', async () => {
        const notAfter = secondsLater(100);
        const short = cutQuote(evidence({ platform: createPlatform(pki, { certificate: { notAfter } }) }).quote);
        await box.verify(packQuote(evidence({ platform: createPlatform(pki, { certificate: { notAfter } }) }).quote));
        box.blockchain.now = mintedAtSec + 100;
        expect(await box.judge(packPartsOfKnownPck(short))).toBe('verified');
        box.blockchain.now = mintedAtSec + 101;
        expect(await box.judge(packPartsOfKnownPck(short))).toBe('certificate is expired or not yet valid');
    });

    it('is refused as soon as a list revokes its certificate or its authority', async () => {
        await box.verify(packQuote(quote));
        const knowing = box.blockchain.snapshot();
        const platform = createPlatform(pki);
        const later = { thisUpdate: secondsLater(-1) };
        await box.postPckList(collateral({ ...inForce, pckCrl: { ...later, revokedSerials: [platform.pck.serial] } }));
        expect(await box.judge(known)).toBe('PCK certificate is revoked');
        await box.blockchain.loadFrom(knowing);
        const revokedSerials = [pki.platformCa.serial];
        await box.postRootList(collateral({ rootCrl: { ...later, revokedSerials, nextUpdate: secondsLater(1000) } }));
        expect(await box.judge(known)).toBe('PCK CA is revoked');
    });

    it('vouches for no quote but its own', async () => {
        const another = evidence({ platform: createPlatform(pki, { name: 'another' }) }).quote;
        await box.verify(packQuote(quote));
        await box.verify(packQuote(another));
        const borrowed = { ...cutQuote(another), leaf: parts.leaf };
        expect(await box.judge(packPartsOfKnownPck(borrowed))).toBe('QE report is not signed by the PCK key');
        const reported = { ...parts, quote: cutQuote(another).quote };
        expect(await box.judge(packPartsOfKnownPck(reported))).toMatch(/not signed by|not bound/);
        const nobody = { ...parts, leaf: { ...parts.leaf, key: createHash('sha512').update('nobody').digest() } };
        expect(await box.judge(packPartsOfKnownPck(nobody))).toBe('unknown PCK key');
    });
});

describe('the block that a quote names', () => {
    const packed = packQuote(quote);
    const verdictWith = async (blocks: ReturnType<typeof blocksWith> | undefined) => {
        box.blockchain.prevBlocks = blocks;
        const { transactions } = await box.verifier.sendVerify(box.sender.getSender(), {
            quote,
            evaluation: 18,
            bundle: packed,
            authorization: packed,
            responseTo: box.sender.address,
        });
        return transactions.some(
            ({ inMessage }) => inMessage?.info.dest?.toString() === box.registry.address.toString(),
        );
    };

    it('may be any of the last sixteen, whose number a hundred divides', async () => {
        const { lastMcBlocks100: blocks, ...rest } = blocksWith(namedBlock(packed));
        const named = blocks.at(-1)!;
        for (const at of [0, 7, 15]) {
            const moved = blocks.filter((block) => block !== named);
            moved.splice(at, 0, named);
            expect(await verdictWith({ ...rest, lastMcBlocks100: moved })).toBe(true);
        }
    });

    it('must be one of them', async () => {
        const { lastMcBlocks100: blocks, ...rest } = blocksWith(namedBlock(packed));
        expect(await verdictWith({ ...rest, lastMcBlocks100: blocks.slice(0, 15) })).toBe(false);
        expect(await verdictWith({ ...rest, lastMcBlocks100: [] })).toBe(false);
    });
});
