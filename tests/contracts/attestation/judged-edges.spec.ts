import { Address, beginCell, toNano } from '@ton/core';
import { createShardAccount } from '@ton/sandbox';
import { createDevelopmentPki, mintCollateral } from '../../../keepers/attestation';
import type { TcbInfo } from '../../../keepers/attestation/parse/signed-json';
import { cutQuote, packParts, packQuote, pckKeyHash } from '../../../wrappers/quote-packer';
import {
    collateral,
    createPostbox,
    evidence,
    packQeIdentity,
    packTcbInfo,
    pki,
    platform,
    type Postbox,
    secondsLater,
} from './support/postings';
import { QuoteVerifier } from '../../../wrappers/quote-verifier';
import { budget } from '../../support/fee-config';
import { authorization, blocksWith, bundle, mintedEvaluation, namedBlock, postCollateral } from './support/environment';

// Rules about quotes and collateral at the values where they decide otherwise.

const malformedText = 'text is not as Intel writes it';
let box: Postbox;
let withLists: ReturnType<Postbox['blockchain']['snapshot']>;

beforeAll(async () => {
    box = await createPostbox();
    await box.postRootList(collateral());
    await box.postPckList(collateral());
    withLists = box.blockchain.snapshot();
});
beforeEach(() => box.blockchain.loadFrom(withLists));

async function postBoth(set = collateral()): Promise<string> {
    const postings = [await box.postTcbInfo(packTcbInfo(set)), await box.postQeIdentity(packQeIdentity(set))];
    return postings.map(({ verdict }) => verdict).find((verdict) => verdict !== 'taken') ?? 'taken';
}

const withInfo = (changeTcbInfo: (info: TcbInfo) => unknown) => postBoth(collateral({ changeTcbInfo }));
const textOf = (change: (text: string) => string) => withInfo((info) => change(JSON.stringify(info)));
const judge = (quote = evidence().quote) => box.judge(packQuote(quote));

const statusOf = async (quote: Buffer) =>
    (await box.verifier.getVerifiedQuote(packQuote(quote), mintedEvaluation)).status;

describe('the TDX module', () => {
    it('with an attribute that Intel says must be clear is no production one', async () => {
        expect(
            await withInfo((info) => {
                for (const module of info.tdxModuleIdentities!) module.attributes = '0000000000000001';
            }),
        ).toBe('taken');
        expect(await judge()).toBe('TDX module is not a production one');
    });

    it('of version 0 is judged with the platform alone', async () => {
        await postBoth();
        const teeTcbSvn = Buffer.from('05000400000000000000000000000000', 'hex');
        expect(await statusOf(evidence({ teeTcbSvn }).quote)).toBe('UpToDate');
    });

    it('outdated at launch and now is outdated; relaunching would not help', async () => {
        await postBoth();
        const [old, current] = ['04010400', '0b010400'].map((hex) => Buffer.from(hex.padEnd(32, '0'), 'hex'));
        const status = (teeTcbSvn: Buffer, teeTcbSvn2: Buffer) =>
            statusOf(evidence({ version: 5, teeTcbSvn, teeTcbSvn2 }).quote);
        expect(await status(old!, old!)).toBe('OutOfDate');
        expect(await status(old!, current!)).toBe('TDRelaunchAdvised');
        expect(await status(current!, current!)).toBe('UpToDate');
    });
});

describe('a quote of version 5', () => {
    const verdictOf = (change: (pieces: Buffer[]) => void) => {
        const parts = cutQuote(evidence({ version: 5 }).quote);
        change(parts.quote.pieces);
        return box.judge(packParts(parts));
    };

    it('ends with its body', async () => {
        expect(await verdictOf((pieces) => pieces.push(Buffer.alloc(1)))).toBe('field has another size');
    });

    it('has a head of its own size', async () => {
        const verdict = await verdictOf((pieces) => {
            const [head, next] = pieces as [Buffer, Buffer];
            pieces.splice(0, 2, Buffer.concat([head, next.subarray(0, 5)]), next.subarray(5));
        });
        expect(verdict).toBe('field has another size');
    });
});

describe('what Intel may write', () => {
    it('has SVNs that begin with a nine', async () => {
        expect(await textOf((text) => text.replace('{"svn":4}', '{"svn":9}'))).toBe('taken');
    });

    it('has numbers of nine digits and not of ten', async () => {
        const numbered = (evaluation: string) =>
            textOf((text) => text.replace(/("tcbEvaluationDataNumber":)18/, `$1${evaluation}`));
        expect(await numbered('100000018')).toBe('taken');
        expect(await numbered('1000000018')).toBe(malformedText);
    });

    it.each([
        ['a list without its end', ']}],"tcbLevels"', '}],"tcbLevels"'],
        ['an SVN without its component', '{"svn":3},{"svn":3}', '{"svn":3},3}'],
        ['a level without a status', '"tcbStatus":"UpToDate"', '"tcbStatus":"'],
        ['a number without digits', '"pcesvn":13', '"pcesvn":'],
    ])('has no %s', async (_, from, to) => {
        const verdict = await textOf((text) => {
            expect(text).toContain(from);
            return text.replace(from, to);
        });
        expect(verdict).toBe(malformedText);
    });

    it('ends the advisories that it begins', async () => {
        const endless = (text: string) =>
            text.replace(/"tcbStatus":"OutOfDate".*$/s, '"tcbStatus":"OutOfDate","advisoryIDs":["x"');
        expect(await textOf(endless)).toBe(malformedText);
    });

    it.each(['ConfigurationNeeded', 'SWHardeningNeeded', 'ConfigurationAndSWHardeningNeeded', 'OutOfDate'] as const)(
        'has a platform that is %s',
        async (platformStatus) => {
            expect(await postBoth(collateral({ platformStatus }))).toBe('taken');
            expect(await statusOf(evidence().quote)).toBe(platformStatus);
        },
    );
});

describe('who signs TCB infos and QE identities', () => {
    const { seed, now } = pki;

    it('must have a certificate for that', async () => {
        const asCa = createDevelopmentPki({ seed, now, certificates: { tcbSigner: { pathLength: 0 } } });
        expect(await postBoth(mintCollateral(asCa, platform))).toBe('certificate has the wrong role');
    });

    it('counts no more once revoked, for the QE identity alone too', async () => {
        const serial = Buffer.alloc(20, 0x33);
        const another = createDevelopmentPki({ seed, now, certificates: { tcbSigner: { serial } as object } });
        expect((await box.postTcbInfo(packTcbInfo(collateral()))).verdict).toBe('taken');
        expect((await box.postQeIdentity(packQeIdentity(mintCollateral(another, platform)))).verdict).toBe('taken');
        expect(await judge()).toBe('verified');
        const revoked = collateral({ rootCrl: { thisUpdate: secondsLater(-1), revokedSerials: [serial] } });
        expect((await box.postRootList(revoked)).verdict).toBe('taken');
        expect(await judge()).toBe('signer of the QE identity is revoked');
    });
});

it('a verdict that nobody takes gives the value back to who should have had the answer', async () => {
    const registry = Address.parse(`0:${'22'.repeat(32)}`);
    const config = { registry, kind: 2, rootKey: pki.rootPublicKey.subarray(1) };
    const verifier = box.blockchain.openContract(await QuoteVerifier.createFromConfig(config));
    await verifier.sendDeploy(box.sender.getSender());
    await postCollateral(verifier, box.sender, collateral());
    const payee = await box.blockchain.treasury('payee');
    const before = await payee.getBalance();
    const { quote } = evidence();
    box.blockchain.prevBlocks = blocksWith(namedBlock(packQuote(quote)));
    const answer = { bundle, authorization, responseTo: payee.address, queryId: 9n, evaluation: mintedEvaluation };
    await verifier.sendVerify(box.sender.getSender(), { quote, ...answer, valueNano: budget(toNano('2')) });
    expect((await payee.getBalance()) - before).toBeGreaterThan(toNano('0.5'));
});

describe('PCK keys', () => {
    it('are remembered up to ten thousand, and a quote of one more is verified all the same', async () => {
        await postBoth();
        const { quote } = evidence();
        const keyHash = pckKeyHash(cutQuote(quote));
        for (const [held, remembered] of [
            [10_000n, false],
            [9_999n, true],
        ] as const) {
            await holdKnownPcks(held);
            expect((await box.verify(packQuote(quote))).verdict).toBe('verified');
            expect(await box.verifier.getIsKnownPck(keyHash)).toBe(remembered);
        }
    });
});

/** registry, kind, root key, floor, and the three counts before that of the keys */
const bitsBeforePckCount = 267 + 8 + 512 + 32 + 16 + 16 + 32;

/** As after so many quotes of other machines; the verifier gets the storage reserve that goes with it. */
async function holdKnownPcks(pckCount: bigint): Promise<void> {
    const { address } = box.verifier;
    const { accountState: state } = await box.blockchain.getContract(address);
    if (state?.type !== 'active' || !state.state.code || !state.state.data) throw new Error('no verifier');
    const rest = state.state.data.beginParse();
    const before = rest.loadBits(bitsBeforePckCount);
    const data = beginCell().storeBits(before).storeUint(pckCount, 32).storeSlice(rest.skip(32)).endCell();
    const { code } = state.state;
    const balance = toNano('100000');
    await box.blockchain.setShardAccount(address, createShardAccount({ address, code, data, balance }));
}

describe('a posting', () => {
    it('is refused for a nanoTON less than gas, and what the reserve lacks, cost', async () => {
        const set = collateral();
        const before = box.blockchain.snapshot();
        const verdictFor = async (valueNano: bigint) => {
            await box.blockchain.loadFrom(before);
            return (await box.postTcbInfo(packTcbInfo(set), { valueNano })).verdict;
        };
        let [refused, taken] = [0n, (await box.postTcbInfo(packTcbInfo(set))).paidNano * 2n];
        while (taken - refused > 1n) {
            const middle = (refused + taken) / 2n;
            if ((await verdictFor(middle)) === 'taken') taken = middle;
            else refused = middle;
        }
        expect(await verdictFor(taken)).toBe('taken');
        expect(await verdictFor(refused)).toBe('not enough value');
    });
});
