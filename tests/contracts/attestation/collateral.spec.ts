import { type Cell, toNano } from '@ton/core';
import { createDevelopmentPki, createPlatform, mintCollateral } from '../../../keepers/attestation';
import { packQuote } from '../../../wrappers/quote-packer';
import { usableEvaluation } from '../../../wrappers/held-collateral';
import { atPrices } from '../../support/fee-config';
import { mintedAtSec } from './support/minted-quote';
import {
    collateral,
    createPostbox,
    evidence,
    packPckList,
    packQeIdentity,
    packTcbInfo,
    pki,
    platform,
    type Postbox,
    secondsLater,
} from './support/postings';

const asNew = 'collateral held is as new';
const notInForce = 'collateral is not in force';
const { fmspc } = platform.facts;
let box: Postbox;
let empty: ReturnType<Postbox['blockchain']['snapshot']>;

beforeAll(async () => {
    box = await createPostbox();
    empty = box.blockchain.snapshot();
});
beforeEach(() => box.blockchain.loadFrom(empty));

const issued = (seconds: number) => collateral({ issueDate: secondsLater(seconds) });
const taken4 = ['taken', 'taken', 'taken', 'taken'];
const judge = (evaluation?: number) => box.judge(packQuote(evidence().quote), evaluation);
const postBoth = async (set: ReturnType<typeof collateral>) => [
    (await box.postTcbInfo(packTcbInfo(set))).verdict,
    (await box.postQeIdentity(packQeIdentity(set))).verdict,
];

describe('what is held', () => {
    it('gives way to what was issued later, and to nothing else', async () => {
        expect(await box.postAll(issued(-100))).toEqual(taken4);
        expect(await box.postAll(issued(-100))).toEqual([asNew, asNew, asNew, asNew]);
        expect(await box.postAll(issued(-101))).toEqual([asNew, asNew, asNew, asNew]);
        expect(await box.postAll(issued(-99))).toEqual(taken4);
        const held = await box.verifier.getCollateral();
        const dates = [...held.tcbInfos, ...held.qeIdentities, ...held.revocationLists].map((one) => one.issuedAt);
        expect(dates).toEqual(Array(4).fill(secondsLater(-99)));
        expect(await judge()).toBe('verified');
    });

    it('stands beside other evaluations, families and authorities', async () => {
        const elsewhere = createPlatform(pki, {
            authority: 'processor',
            facts: { fmspc: Buffer.from('00806f050000', 'hex') },
        });
        expect(await box.postAll(collateral())).toEqual(taken4);
        expect(await postBoth(collateral({ evaluationNumber: 19 }))).toEqual(['taken', 'taken']);
        expect(await box.postAll(collateral({}, elsewhere))).toEqual([asNew, 'taken', 'taken', asNew]);
        const held = await box.verifier.getCollateral();
        expect(held.tcbInfos.map((one) => `${one.fmspc.toString('hex')} ${one.evaluation}`).sort()).toEqual([
            '00806f050000 18',
            '90c06f000000 18',
            '90c06f000000 19',
        ]);
        expect(held.revocationLists.map((one) => one.authority)).toEqual(['root', 'platform', 'processor']);
        expect(await judge(19)).toBe('verified');
        expect(usableEvaluation(held, fmspc, secondsLater(0))).toBe(19);
        expect(await box.judge(packQuote(evidence({ platform: elsewhere }).quote))).toBe('verified');
    });

    it("of another family judges no quote of this one, nor a TCB info without its evaluation's identity", async () => {
        const elsewhere = createPlatform(pki, { facts: { fmspc: Buffer.from('00806f050000', 'hex') } });
        await box.postAll(collateral({}, elsewhere));
        expect(await judge()).toBe('no TCB info of this family and evaluation');
        await box.postTcbInfo(packTcbInfo(collateral({ evaluationNumber: 19 })));
        expect(await judge(19)).toBe('no QE identity of this evaluation');
        expect(usableEvaluation(await box.verifier.getCollateral(), fmspc, secondsLater(0))).toBeNull();
    });
});

describe('dates', () => {
    const window = (from: number, to: number) => {
        const dates = { issueDate: secondsLater(from), nextUpdate: secondsLater(to) };
        const list = { thisUpdate: dates.issueDate, nextUpdate: dates.nextUpdate };
        return collateral({ ...dates, pckCrl: list, rootCrl: list });
    };

    it.each([
        [-10, -1, notInForce],
        [-10, 0, 'taken'],
        [0, 10, 'taken'],
        [1, 10, notInForce],
    ])('from %i to %i seconds from now: %s', async (from, to, verdict) => {
        expect((await box.postRootList(window(from, to))).verdict).toBe(verdict);
        await box.blockchain.loadFrom(empty);
        await box.postRootList(collateral());
        const others = [(await box.postPckList(window(from, to))).verdict, ...(await postBoth(window(from, to)))];
        expect(others).toEqual([verdict, verdict, verdict]);
    });

    it.each([
        ['root', 'revocation list of the root is not in force'],
        ['list', 'revocation list is not in force'],
        ['info', 'TCB info is not in force'],
        ['identity', 'QE identity is not in force'],
    ] as const)('the %s serves to its last second and no longer', async (short, verdict) => {
        const [long, ending] = [window(-10, 1000), window(-10, 100)];
        await box.postRootList(short === 'root' ? ending : long);
        await box.postPckList(short === 'list' ? ending : long);
        await box.postTcbInfo(packTcbInfo(short === 'info' ? ending : long));
        await box.postQeIdentity(packQeIdentity(short === 'identity' ? ending : long));
        box.blockchain.now = mintedAtSec + 100;
        expect(await judge()).toBe('verified');
        box.blockchain.now = mintedAtSec + 101;
        expect(await judge()).toBe(verdict);
        box.blockchain.now = mintedAtSec;
    });

    it('of a signer, or of an authority, are those of its certificate', async () => {
        await box.postRootList(collateral());
        const expired = 'certificate is expired or not yet valid';
        for (const [seconds, verdict] of [
            [-1, expired],
            [0, 'taken'],
        ] as const) {
            const certificates = { notAfter: secondsLater(seconds) };
            const aged = createDevelopmentPki({
                seed: pki.seed,
                now: pki.now,
                certificates: { tcbSigner: certificates, platformCa: certificates },
            });
            const set = mintCollateral(aged, createPlatform(aged));
            expect([(await box.postPckList(set)).verdict, ...(await postBoth(set))]).toEqual([
                verdict,
                verdict,
                verdict,
            ]);
        }
    });

    it('without a list of the root in force nothing more is taken', async () => {
        await box.postRootList(window(-10, 10));
        box.blockchain.now = mintedAtSec + 11;
        const ended = 'revocation list of the root is not in force';
        const set = window(-9, 100);
        expect([(await box.postPckList(set)).verdict, ...(await postBoth(set))]).toEqual([ended, ended, ended]);
        expect((await box.postRootList(set)).verdict).toBe('taken');
        expect((await box.postPckList(set)).verdict).toBe('taken');
        box.blockchain.now = mintedAtSec;
    });
});

describe('the floor of evaluations', () => {
    const below = 'evaluation below the floor';
    beforeEach(async () => {
        expect(await box.postAll(collateral())).toEqual(taken4);
    });

    it('is set by the registry alone, and only rises', async () => {
        const refused = await box.setFloor(18, { from: box.sender });
        expect(refused.verdict).toBe('sender is not the registry');
        for (const [set, floor] of [
            [18, 18],
            [17, 18],
            [19, 19],
        ] as const) {
            expect((await box.setFloor(set)).verdict).toBe('taken');
            expect((await box.verifier.getCollateral()).evaluationFloor).toBe(floor);
        }
    });

    it('refuses what is below it, to be posted or to judge by', async () => {
        await box.setFloor(18);
        expect(await judge()).toBe('verified');
        await box.setFloor(19);
        expect(await judge()).toBe(below);
        expect(await postBoth(issued(-1))).toEqual([below, below]);
        expect(await postBoth(collateral({ evaluationNumber: 19 }))).toEqual(['taken', 'taken']);
        expect(await judge(19)).toBe('verified');
    });

    it('lets anyone prune what is below it, and nothing else', async () => {
        const nothing = 'nothing to prune';
        await box.setFloor(18);
        expect((await box.pruneTcbInfo(fmspc, 18)).verdict).toBe(nothing);
        expect((await box.pruneQeIdentity(18)).verdict).toBe(nothing);
        await box.setFloor(19);
        expect((await box.pruneTcbInfo(Buffer.alloc(6), 18)).verdict).toBe(nothing);
        expect((await box.pruneQeIdentity(17)).verdict).toBe(nothing);
        for (const verdict of ['taken', nothing]) {
            expect((await box.pruneTcbInfo(fmspc, 18)).verdict).toBe(verdict);
            expect((await box.pruneQeIdentity(18)).verdict).toBe(verdict);
        }
        const held = await box.verifier.getCollateral();
        expect([held.tcbInfos, held.qeIdentities, held.revocationLists.length]).toEqual([[], [], 2]);
    });
});

describe('money', () => {
    /** Distinct cells of the account, as storage is paid. */
    async function occupied(): Promise<{ cells: number; bits: number }> {
        const { accountState } = await box.blockchain.getContract(box.verifier.address);
        if (accountState?.type !== 'active') throw new Error('not deployed');
        const seen = new Map<string, number>();
        const walk = (cell: Cell): void => {
            const hash = cell.hash().toString('hex');
            if (seen.has(hash)) return;
            seen.set(hash, cell.bits.length);
            cell.refs.forEach(walk);
        };
        walk(accountState.state.code!);
        walk(accountState.state.data!);
        return { cells: seen.size, bits: [...seen.values()].reduce((sum, bits) => sum + bits, 0) };
    }

    it('what a new entry brings too little of is refused, and the rest comes back', async () => {
        await box.postRootList(collateral());
        const packed = packTcbInfo(collateral());
        const before = box.blockchain.snapshot();
        const rich = await box.postTcbInfo(packed, { valueNano: atPrices(toNano('5')) });
        expect(rich.verdict).toBe('taken');
        expect(rich.paidNano).toBeLessThan(atPrices(toNano('0.6')));
        await box.blockchain.loadFrom(before);
        const poor = await box.postTcbInfo(packed, { valueNano: (rich.paidNano * 3n) / 4n });
        expect(poor.verdict).toBe('not enough value');
        const enough = await box.postTcbInfo(packed, { valueNano: (rich.paidNano * 5n) / 4n });
        expect(enough.verdict).toBe('taken');
    });

    it('a refusal costs its sender gas only, and the contract nothing', async () => {
        await box.postAll(collateral());
        const balance = async () => (await box.blockchain.getContract(box.verifier.address)).balance;
        const before = await balance();
        for (const refused of [
            await box.postRootList(collateral()),
            await box.postTcbInfo(packTcbInfo(collateral())),
            await box.setFloor(99, { from: box.sender }),
            await box.pruneQeIdentity(1),
        ]) {
            expect(refused.verdict).not.toBe('taken');
            expect(refused.paidNano).toBeLessThan(atPrices(toNano('0.2')));
        }
        expect(await balance()).toBeGreaterThanOrEqual(before);
    });

    it('a replaced entry costs no storage again', async () => {
        await box.postAll(issued(-100));
        const next = (seconds: number) =>
            box.postTcbInfo(packTcbInfo(collateral({ evaluationNumber: 19, issueDate: secondsLater(seconds) })));
        const [first, again] = [await next(-100), await next(-50)];
        expect([first.verdict, again.verdict]).toEqual(['taken', 'taken']);
        expect(first.paidNano - again.paidNano).toBeGreaterThan(atPrices(toNano('0.01')));
    });

    it('the reserve covers what every kind of entry really occupies', async () => {
        const grown = async (act: () => Promise<unknown>) => {
            const before = await occupied();
            await act();
            const after = await occupied();
            return { cells: after.cells - before.cells, bits: after.bits - before.bits };
        };
        const largest = collateral({
            changeTcbInfo: (info) => {
                const [top] = info.tcbLevels;
                info.tcbLevels = Array.from({ length: 20 }, (_, pcesvn) => ({ ...top!, tcb: { ...top!.tcb, pcesvn } }));
            },
            rootCrl: { revokedSerials: [Buffer.alloc(20, 0x41)] },
            pckCrl: {
                revokedSerials: Array.from({ length: 100 }, (_, index) => Buffer.alloc(20, index + 1)),
            },
        });
        const rootList = await grown(() => box.postRootList(largest));
        const pckList = await grown(() => box.postPckList(largest));
        const tcbInfo = await grown(() => box.postTcbInfo(packTcbInfo(largest)));
        const qeIdentity = await grown(() => box.postQeIdentity(packQeIdentity(largest)));
        // The constants in quote-verifier.tact.
        expect(rootList.cells).toBeLessThanOrEqual(8);
        expect(rootList.bits).toBeLessThanOrEqual(3000 + 240);
        expect(pckList.cells).toBeLessThanOrEqual(8 + 100 / 4);
        expect(pckList.bits).toBeLessThanOrEqual(3000 + 100 * 240);
        expect(tcbInfo.cells).toBeLessThanOrEqual(30);
        expect(tcbInfo.bits).toBeLessThanOrEqual(16_000);
        expect(qeIdentity.cells).toBeLessThanOrEqual(30);
        expect(qeIdentity.bits).toBeLessThanOrEqual(16_000);
        const known = await grown(() => box.verify(packQuote(evidence().quote)));
        expect(known.cells).toBeLessThanOrEqual(5);
        expect(known.bits).toBeLessThanOrEqual(2600);
    });

    it('a verification fills what years of storage have eaten, or is refused', async () => {
        await box.postAll(
            collateral({
                nextUpdate: secondsLater(2 * 366 * 86_400),
                rootCrl: { nextUpdate: secondsLater(2 * 366 * 86_400) },
            }),
        );
        const min = await box.verifier.getMinVerifyValue();
        const packed = packQuote(evidence().quote);
        box.blockchain.now = mintedAtSec + 365 * 86_400;
        expect((await box.verify(packed, { valueNano: min })).verdict).toBe('not enough value');
        const rich = await box.verify(packed);
        expect([rich.verdict, rich.delivered?.queryId]).toEqual(['verified', 7n]);
        const next = await box.verify(packed, { valueNano: min });
        expect([next.verdict, next.delivered?.queryId]).toEqual(['verified', 7n]);
        box.blockchain.now = mintedAtSec;
    });

    it('what is no message of anybody is refused', async () => {
        const list = packPckList(collateral()).content;
        const verdict = await box.postList(list.refs[0]!, null);
        expect(verdict.verdict).toBe('Cell underflow');
    });
});
