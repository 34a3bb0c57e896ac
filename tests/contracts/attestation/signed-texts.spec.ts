import { type Cell, beginCell } from '@ton/core';
import { packSigned, packHints, packQuote } from '../../../wrappers/quote-packer';
import { p256Hints } from '../../../wrappers/quote-packer-p256';
import { createHash } from 'node:crypto';
import {
    collateral,
    createPostbox,
    evidence,
    packQeIdentity,
    packTcbInfo,
    pki,
    type Postbox,
} from './support/postings';
import { createDevelopmentPki, createPlatform, mintCollateral } from '../../../keepers/attestation';
import type { CollateralOptions } from '../../../keepers/attestation/mint/collateral';
import type { TcbInfo } from '../../../keepers/attestation/parse/signed-json';

const malformed = 'text is not as Intel writes it';
const signerKey = pki.tcbSigner.key;
let box: Postbox;
let empty: ReturnType<Postbox['blockchain']['snapshot']>;

beforeAll(async () => {
    box = await createPostbox();
    await box.postRootList(collateral());
    await box.postPckList(collateral());
    empty = box.blockchain.snapshot();
});
beforeEach(() => box.blockchain.loadFrom(empty));

/** What a chain of cells holds, bit by bit. */
function bitsOf(signed: Cell): string {
    let bits = '';
    for (let cell: Cell | undefined = signed.refs[1]; cell !== undefined; cell = cell.refs[0]) {
        const slice = cell.beginParse();
        while (slice.remainingBits > 0) bits += slice.loadBit() ? '1' : '0';
    }
    return bits;
}

/** The sizes of its cells, in bits. */
function cutsOf(signed: Cell): number[] {
    const cuts: number[] = [];
    for (let cell: Cell | undefined = signed.refs[1]; cell !== undefined; cell = cell.refs[0])
        cuts.push(cell.bits.length);
    return cuts;
}

/** A signed part with its bits cut so; signature and hints, which depend on the bits alone, stay. */
function recut(signed: Cell, cuts: number[]): Cell {
    const bits = bitsOf(signed);
    const ends = cuts.map((_, index) => cuts.slice(0, index + 1).reduce((sum, cut) => sum + cut, 0));
    const chain = cuts.reduceRight<Cell | undefined>((next, cut, index) => {
        const builder = beginCell();
        for (const bit of bits.slice(ends[index]! - cut, ends[index])) builder.storeBit(bit === '1');
        return (next === undefined ? builder : builder.storeRef(next)).endCell();
    }, undefined)!;
    return beginCell().storeBits(signed.bits).storeRef(signed.refs[0]!).storeRef(chain).endCell();
}

async function verdictOn(options: CollateralOptions, version: 4 | 5 = 4): Promise<string> {
    const set = collateral(options);
    const posted = await box.postTcbInfo(packTcbInfo(set));
    if (posted.verdict !== 'taken') return posted.verdict;
    await box.postQeIdentity(packQeIdentity(set));
    return box.judge(packQuote(evidence({ version }).quote));
}

const ofTcbInfo = (changeTcbInfo: (info: TcbInfo) => unknown) => verdictOn({ changeTcbInfo });
const replaced = (from: string | RegExp, to: string) =>
    ofTcbInfo((info) => {
        const text = JSON.stringify(info);
        expect(text).toMatch(from);
        return text.replace(from, to);
    });

async function postedIdentity(change: (text: string) => string): Promise<string> {
    const set = collateral({ changeQeIdentity: (identity) => change(JSON.stringify(identity)) });
    return (await box.postQeIdentity(packQeIdentity(set))).verdict;
}

describe('TCB info', () => {
    it('as Intel writes it is taken, and judged by', async () => {
        expect(await verdictOn({})).toBe('verified');
        expect(await box.postTcbInfo(packTcbInfo(collateral()))).toMatchObject({
            verdict: 'collateral held is as new',
        });
    });

    it.each([
        ['of SGX', '"id":"TDX"', '"id":"SGX"'],
        ['of version 2', '"version":3', '"version":2'],
    ])('%s is refused', async (_, from, to) => {
        expect(await replaced(from, to)).toBe('TCB info is not of TDX, version 3');
    });

    it('of a later version is taken as long as it reads the same', async () => {
        expect(await replaced('"version":3', '"version":4')).toBe('verified');
    });

    it.each([
        ['another order of keys', /("issueDate":"[^"]*"),("nextUpdate":"[^"]*")/, '$2,$1'],
        ['a key twice', '"pceId":"0000"', '"pceId":"0000","pceId":"0000"'],
        ['a key escaped', '"fmspc"', '"fm\\u0073pc"'],
        ['a value escaped', '"tcbStatus":"UpToDate"', '"tcbStatus":"Up\\u0054oDate"'],
        ['white space', '"tcbLevels":[', '"tcbLevels": ['],
        ['a status that nobody knows', '"tcbStatus":"UpToDate"', '"tcbStatus":"UpToDat"'],
        ['a date with an offset', /"nextUpdate":"([^"]*)Z"/, '"nextUpdate":"$1+'],
        ['a date of another century', '"issueDate":"20', '"issueDate":"19'],
        ['another type of TCB', '"tcbType":0', '"tcbType":1'],
        ['an evaluation number of ten digits', '"tcbEvaluationDataNumber":18', '"tcbEvaluationDataNumber":1000000018'],
        ['an evaluation number that is none', '"tcbEvaluationDataNumber":18', '"tcbEvaluationDataNumber":null'],
        ['fifteen components', '{"svn":3},', ''],
        ['seventeen components', '{"svn":3},', '{"svn":3},{"svn":3},'],
        ['an SVN of 256', '{"svn":4}', '{"svn":256}'],
        ['an SVN below zero', '{"svn":4}', '{"svn":-4}'],
        ['an SVN that is a letter', '{"svn":4}', '{"svn":A}'],
        ['an SVN in quotes', '{"svn":4}', '{"svn":"4"}'],
        ['an SVN with an exponent', '{"svn":4}', '{"svn":4e0}'],
        ['another separator of components', '{"svn":4},', '{"svn":4};'],
        ['another separator of levels', '"tcbStatus":"UpToDate"},', '"tcbStatus":"UpToDate"};'],
        ['text after its end', /$/, ' '],
        ['no end', /}$/, ''],
    ])('with %s is refused', async (_, from, to) => {
        const verdict = await replaced(from, to);
        expect(verdict).toMatch(/^(text is not as Intel writes it|Cell underflow)$/);
    });

    it.each([
        [255, 'platform is older than any level'],
        [4, 'verified'],
    ])('with an SVN of %i is read as that', async (svn, verdict) => {
        expect(
            await ofTcbInfo((info) => {
                for (const level of info.tcbLevels) level.tcb.sgxtcbcomponents[0]!.svn = svn;
            }),
        ).toBe(verdict);
    });

    it('may say more of a component, which is passed over', async () => {
        expect(
            await ofTcbInfo((info) => ({
                ...info,
                tcbLevels: info.tcbLevels.map((level) => ({
                    ...level,
                    tcb: {
                        ...level.tcb,
                        sgxtcbcomponents: level.tcb.sgxtcbcomponents.map(({ svn }) => ({
                            svn,
                            category: 'BIOS',
                            type: 'Early Microcode Update',
                        })),
                    },
                })),
            })),
        ).toBe('verified');
    });

    it.each([1, 2, 8, 20])('of %i levels, each with advisories, is read to the last', async (count) => {
        const levels = (info: TcbInfo) => {
            const last = info.tcbLevels[0]!;
            // No machine reaches any level but the last.
            const unreachable = { ...last, tcb: { ...last.tcb, pcesvn: 60000 }, advisoryIDs: ['INTEL-SA-00001'] };
            info.tcbLevels = [...Array.from({ length: count - 1 }, () => unreachable), last];
        };
        expect(await ofTcbInfo(levels)).toBe('verified');
    });

    it.each([
        [20, 'verified'],
        [21, 'Cell overflow'],
    ])('with a module of %i levels: %s', async (count, verdict) => {
        expect(
            await ofTcbInfo((info) => {
                const levels = info.tdxModuleIdentities![1]!.tcbLevels;
                levels.splice(0, levels.length, ...Array.from({ length: count }, () => levels[0]!));
            }),
        ).toBe(verdict);
    });

    it('with a signer of its modules names it to the verification', async () => {
        const verdict = await ofTcbInfo((info) => {
            for (const module of info.tdxModuleIdentities!) module.mrsigner = 'AB'.repeat(48);
        });
        expect(verdict).toBe('TDX module has another signer');
    });

    it('without identities of modules is taken; a module of a version then has none', async () => {
        const { tdxModuleIdentities: none, ...rest } = JSON.parse(collateral().tcb_info) as TcbInfo;
        expect(none).toHaveLength(2);
        expect(await ofTcbInfo(() => rest)).toBe('TDX module has no identity');
    });

    it('signed by another key is refused', async () => {
        const set = collateral();
        const { content } = packTcbInfo({ ...set, tcb_info_signature: set.qe_identity_signature });
        const verdict = await box.postTcbInfo({ ...packTcbInfo(set), content });
        expect(verdict.verdict).toBe('text is not signed by the TCB signing key');
    });

    it('by a signer whom another root certified is refused', async () => {
        const elsewhere = createDevelopmentPki({ seed: Buffer.alloc(32, 6), now: pki.now });
        const foreign = mintCollateral(elsewhere, createPlatform(elsewhere));
        const notByRoot = 'TCB signing certificate is not signed by the root';
        expect((await box.postTcbInfo(packTcbInfo(foreign))).verdict).toBe(notByRoot);
        expect((await box.postQeIdentity(packQeIdentity(foreign))).verdict).toBe(notByRoot);
    });

    it('is no QE identity, and no QE identity is TCB info', async () => {
        const set = collateral();
        expect((await box.postTcbInfo(packQeIdentity(set))).verdict).toBe('TCB info is not of TDX, version 3');
        expect((await box.postQeIdentity(packTcbInfo(set))).verdict).toBe(
            'QE identity is not of the TD quoting enclave',
        );
    });
});

describe('a QE identity', () => {
    it.each([
        ['of the SGX quoting enclave', '"id":"TD_QE"', '"id":"QE"', 'QE identity is not of the TD quoting enclave'],
        ['of version 1', '"version":2', '"version":1', 'QE identity is not of the TD quoting enclave'],
        ['with another key', '"isvprodid"', '"isvProdId"', malformed],
        ['with text after its end', /$/, '}', malformed],
        ['as it is', '"version":2', '"version":2', 'taken'],
    ])('%s', async (_, from, to, verdict) => {
        expect(await postedIdentity((text) => text.replace(from, to))).toBe(verdict);
    });

    it.each([
        [17, 'taken'],
        [18, 'Cell overflow'],
    ])('with %i levels: %s', async (count, verdict) => {
        const level = '{"tcb":{"isvsvn":4},"tcbDate":"2025-05-14T00:00:00Z","tcbStatus":"UpToDate"}';
        const levels = Array.from({ length: count }, () => level).join();
        expect(await postedIdentity((text) => text.replace(level, levels))).toBe(verdict);
    });
});

describe('who packs a text', () => {
    const advised = collateral({
        changeTcbInfo: (info) => {
            const [first, second] = info.tcbLevels;
            const withCategory = first!.tcb.sgxtcbcomponents.map(({ svn }) => ({ svn, category: 'BIOS_ABC' }));
            const level = { ...first!, advisoryIDs: ['INTEL-SA-01036'] };
            info.tcbLevels = [level, { ...level, tcb: { ...level.tcb, sgxtcbcomponents: withCategory } }, second!];
        },
    });
    const packed = packTcbInfo(advised);
    const cuts = cutsOf(packed.content);

    /** What is held of the posting, for comparison. */
    async function heldAfter(content: Cell): Promise<string> {
        await box.blockchain.loadFrom(empty);
        const { verdict } = await box.postTcbInfo({ ...packed, content });
        if (verdict !== 'taken') return verdict;
        const { stackReader } = await box.blockchain.runGetMethod(box.verifier.address, 'collateral');
        return stackReader.readCell().hash().toString('hex');
    }

    it('can cut it anywhere: it is refused or read the same', async () => {
        const honest = await heldAfter(packed.content);
        expect(honest).toHaveLength(64);
        const readings = new Map<string, number>();
        for (let index = 1; index < cuts.length; index += 1) {
            for (const bytes of [1, 20, 90].filter((size) => size * 8 < cuts[index]!)) {
                const moved = [...cuts.slice(0, index), bytes * 8, cuts[index]! - bytes * 8, ...cuts.slice(index + 1)];
                const reading = await heldAfter(recut(packed.content, moved));
                readings.set(reading, (readings.get(reading) ?? 0) + 1);
            }
        }
        expect([...readings.keys()].sort()).toEqual([honest, 'Cell underflow', malformed].sort());
    }, 120_000);

    it('can hide no bracket by cells of a fraction of bytes', async () => {
        for (let index = 0; index < cuts.length - 1; index += 1) {
            const fraction = [...cuts];
            fraction[index]! -= 4;
            fraction[index + 1]! += 4;
            if (fraction[index + 1]! > 1023) continue;
            expect(await heldAfter(recut(packed.content, fraction))).toBe('Cell underflow');
        }
        // The end of the first level's advisories cut in two, and every bracket up to the next level's: unread, that level would be gone.
        const text = advised.tcb_info;
        const advisory = 'INTEL-SA-01036"';
        const first = text.indexOf(advisory) + advisory.length;
        const second = text.indexOf(advisory, first) + advisory.length;
        const around = [...text.matchAll(/\]/g)]
            .map(({ index }) => index)
            .filter((index) => index >= first && index < second)
            .map((index) => index * 8 + 4);
        expect(around.length).toBeGreaterThan(1);
        const sizes: number[] = [];
        for (let at = 0, next = 0; at < text.length * 8; at = next) {
            const regular = cuts.reduce<number[]>((ends, cut) => [...ends, (ends.at(-1) ?? 0) + cut], []);
            next = [...regular, ...around].sort((a, b) => a - b).find((one) => one > at)!;
            sizes.push(next - at);
        }
        expect(await heldAfter(recut(packed.content, sizes))).toBe('Cell underflow');
    });

    it('can put empty cells between without effect', async () => {
        const honest = await heldAfter(packed.content);
        const gaps = [...cuts.slice(0, 3), 0, ...cuts.slice(3)];
        expect([honest, malformed, 'Cell underflow']).toContain(await heldAfter(recut(packed.content, gaps)));
    });

    it('can choose no hints but the right ones', async () => {
        const digest = createHash('sha256').update(advised.tcb_info).digest();
        const signature = Buffer.from(advised.tcb_info_signature, 'hex');
        const key = signerKey.publicKey.subarray(1);
        const hints = p256Hints({ digest, signature, key })!;
        const forged = packHints({ ...hints, slope: hints.slope ^ 1n });
        const { bits, refs } = packed.content;
        const content = beginCell().storeBits(bits).storeRef(forged).storeRef(refs[1]!).endCell();
        expect(await heldAfter(content)).toBe('text is not signed by the TCB signing key');
        const genuine = packSigned({ pieces: [Buffer.from('{')], signature, key });
        expect(await heldAfter(genuine)).toBe('text is not signed by the TCB signing key');
    });
});
