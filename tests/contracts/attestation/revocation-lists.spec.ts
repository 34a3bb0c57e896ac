import { beginCell } from '@ton/core';
import { createPlatform } from '../../../keepers/attestation';
import { authorityKeyIdentifier, extension, signedStructure } from '../../../keepers/attestation/mint/certificates';
import { criticalExtension } from '../../../keepers/attestation/mint/certificates';
import { der, enumerated, explicit, integer, sequence, time } from '../../../keepers/attestation/mint/der-writer';
import { intelDistinguishedName } from '../../../keepers/attestation/mint/names';
import { ecdsaWithSha256Algorithm, oid } from '../../../keepers/attestation/parse/oids';
import { packQuote, packSigned } from '../../../wrappers/quote-packer';
import { cutRevocationList } from '../../../wrappers/quote-packer-certificate';
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

const malformed = 'malformed revocation list';
let box: Postbox;
let withoutLists: ReturnType<Postbox['blockchain']['snapshot']>;
let withRootList: typeof withoutLists;

beforeAll(async () => {
    box = await createPostbox();
    withoutLists = box.blockchain.snapshot();
    expect(await box.postAll(collateral())).toEqual(['taken', 'taken', 'taken', 'taken']);
    withRootList = box.blockchain.snapshot();
});
beforeEach(() => box.blockchain.loadFrom(withRootList));

interface ListParts {
    version?: Buffer;
    algorithm?: Buffer;
    issued?: Buffer;
    expires?: Buffer;
    /** null: no list at all */
    entries?: Buffer[] | null;
    extensions?: Buffer[];
}

const reason = sequence(extension(oid.crlReason, enumerated(1)));
const entry = (serial: Buffer, ...more: Buffer[]) => sequence(integer(serial), time(secondsLater(-5)), ...more);
const listNumber = extension(oid.crlNumber, integer(2));
const keyId = authorityKeyIdentifier(pki.platformCa.key);

/** A list of the platform authority, newer than the one held, and packed honestly. */
function listOf(parts: ListParts) {
    const { entries = null, extensions = [listNumber, keyId] } = parts;
    const tbs = sequence(
        parts.version ?? integer(1),
        parts.algorithm ?? ecdsaWithSha256Algorithm,
        intelDistinguishedName(pki.platformCa.name),
        parts.issued ?? time(secondsLater(-10)),
        parts.expires ?? time(secondsLater(86_400)),
        ...(entries === null ? [] : [sequence(...entries)]),
        explicit(0, sequence(...extensions)),
    );
    const cut = cutRevocationList(signedStructure(tbs, pki.platformCa.key));
    return packSigned({ ...cut, key: pki.platformCa.key.publicKey.subarray(1) });
}

const { issuer: authority } = packPckList(collateral());
const post = async (parts: ListParts) => (await box.postList(listOf(parts), authority)).verdict;
const judge = () => box.judge(packQuote(evidence().quote));

/** Serial numbers of other machines, some of which end as the platform's does. */
function others(count: number): Buffer[] {
    return Array.from({ length: count }, (_, index) => {
        const serial = Buffer.alloc(20, 0x31);
        serial.writeUInt32BE(0x40000000 + index, 0);
        if (index % 3 === 0) platform.pck.serial.copy(serial, 16, 16);
        return serial;
    });
}

describe('a list of revoked certificates', () => {
    it.each([0, 1, 5, 6, 7, 8, 23, 24, 25, 47, 48, 49])('with %i others on it revokes nothing', async (count) => {
        expect(await post({ entries: others(count).map((serial) => entry(serial, reason)) })).toBe('taken');
        expect(await judge()).toBe('verified');
    });

    it.each([1, 6, 7, 8, 9, 24, 25, 49])('of %i entries revokes the first, one between and the last', async (count) => {
        for (const at of new Set([0, Math.floor(count / 2), count - 1])) {
            await box.blockchain.loadFrom(withRootList);
            const serials = others(count);
            serials[at] = platform.pck.serial;
            expect(await post({ entries: serials.map((serial) => entry(serial, reason)) })).toBe('taken');
            expect([at, await judge()]).toEqual([at, 'PCK certificate is revoked']);
        }
    });

    it('may be absent, and entries need no reason', async () => {
        expect(await post({ entries: null })).toBe('taken');
        expect(await judge()).toBe('verified');
        await box.blockchain.loadFrom(withRootList);
        expect(await post({ entries: [entry(platform.pck.serial)] })).toBe('taken');
        expect(await judge()).toBe('PCK certificate is revoked');
    });

    it.each([
        ['19 bytes', Buffer.alloc(19, 0x41)],
        ['20 bytes', Buffer.alloc(20, 0x41)],
        ['21 bytes, the first zero', Buffer.alloc(20, 0xc1)],
    ])('finds a serial number of %s', async (_, serial) => {
        const machine = createPlatform(pki, { name: serial.toString('hex'), certificate: { serial } as object });
        const { quote } = evidence({ platform: machine });
        expect(await box.judge(packQuote(quote))).toBe('verified');
        expect(await post({ entries: [...others(9), serial].map((one) => entry(one, reason)) })).toBe('taken');
        expect(await box.judge(packQuote(quote))).toBe('PCK certificate is revoked');
    });

    it('with a serial number of 22 bytes is refused', async () => {
        expect(await post({ entries: [entry(Buffer.alloc(22, 0x41))] })).toBe(malformed);
    });

    it.each([
        ['another extension', sequence(extension('551d18', time(secondsLater(-9))))],
        ['a second extension', sequence(extension(oid.crlReason, enumerated(1)), extension('551d18', enumerated(1)))],
        ['a critical reason', sequence(criticalExtension(oid.crlReason, enumerated(1)))],
        ['a reason of two bytes', sequence(extension(oid.crlReason, der(0x0a, Buffer.from([0, 1]))))],
    ])('whose entry has %s is refused', async (_, extensions) => {
        expect(await post({ entries: [entry(platform.pck.serial, extensions)] })).toBe(malformed);
    });

    it.each([
        ['another version', { version: integer(0) }],
        ['another algorithm', { algorithm: sequence(der(0x06, Buffer.from('2a8648ce3d040303', 'hex'))) }],
        ['an issue date of later centuries', { issued: der(0x18, Buffer.from('20250719000000Z')) }],
        ['an end of later centuries', { expires: der(0x18, Buffer.from('20250819000000Z')) }],
        ['a local date', { issued: der(0x17, Buffer.from('250719000000+')) }],
        ['a critical extension', { extensions: [criticalExtension(oid.crlNumber, integer(2)), keyId] }],
        ['an issuing distribution point', { extensions: [listNumber, extension('551d1c', sequence())] }],
        ['a delta indicator', { extensions: [listNumber, extension('551d1b', integer(1))] }],
    ] satisfies [string, ListParts][])('with %s is refused', async (_, parts) => {
        expect(await post(parts)).toBe(malformed);
    });

    it('lists at most 200 entries', async () => {
        const entries = others(200).map((serial) => entry(serial, reason));
        entries[199] = entry(platform.pck.serial, reason);
        const posted = await box.postList(listOf({ entries }), authority);
        expect(posted.verdict).toBe('taken');
        expect(posted.gasUsed).toBeLessThan(800_000n);
        expect(await judge()).toBe('PCK certificate is revoked');
        await box.blockchain.loadFrom(withRootList);
        expect(await post({ entries: others(201).map((serial) => entry(serial, reason)) })).toBe(malformed);
    });

    it('of the root revokes authorities and signers, wherever they stand on it', async () => {
        for (const [serial, verdict] of [
            [pki.platformCa.serial, 'signer is revoked'],
            [pki.tcbSigner.serial, 'taken'],
        ] as const) {
            await box.blockchain.loadFrom(withoutLists);
            const revokedSerials = [...others(30), serial];
            const set = collateral({ rootCrl: { revokedSerials } });
            expect((await box.postRootList(set)).verdict).toBe('taken');
            expect((await box.postPckList(set)).verdict).toBe(verdict);
        }
        const signerRevoked = 'signer is revoked';
        expect((await box.postTcbInfo(packTcbInfo(collateral()))).verdict).toBe(signerRevoked);
        expect((await box.postQeIdentity(packQeIdentity(collateral()))).verdict).toBe(signerRevoked);
    });

    it('of the root counts against what was posted before it', async () => {
        const later = { thisUpdate: secondsLater(-1) };
        const revoke = async (serial: Buffer) => {
            await box.blockchain.loadFrom(withRootList);
            const set = collateral({ rootCrl: { ...later, revokedSerials: [serial] } });
            expect((await box.postRootList(set)).verdict).toBe('taken');
            return judge();
        };
        expect(await revoke(pki.platformCa.serial)).toBe('PCK CA is revoked');
        expect(await revoke(pki.tcbSigner.serial)).toBe('signer of the TCB info is revoked');
        expect(await revoke(pki.processorCa.serial)).toBe('verified');
    });
});

describe('whose list it is', () => {
    it('the root comes first: nothing else is taken without its list', async () => {
        await box.blockchain.loadFrom(withoutLists);
        const set = collateral();
        const verdicts = [await box.postPckList(set), await box.postTcbInfo(packTcbInfo(set))];
        verdicts.push(await box.postQeIdentity(packQeIdentity(set)));
        expect(verdicts.map(({ verdict }) => verdict)).toEqual(Array(3).fill('no revocation list of the root'));
        expect(await judge()).toBe('no revocation list of the root');
        expect((await box.postRootList(set)).verdict).toBe('taken');
        expect(await judge()).toBe('no revocation list of this authority');
    });

    it("an authority's list is not the root's, nor another's", async () => {
        const set = collateral({ pckCrl: { thisUpdate: secondsLater(-1) } });
        const { content } = packPckList(set);
        const another = 'revocation list of another authority';
        expect((await box.postList(content, null)).verdict).toBe(another);
        const processor = packPckList(collateral({}, createPlatform(pki, { authority: 'processor' })));
        expect((await box.postList(content, processor.issuer)).verdict).toBe(another);
        expect((await box.postList(content, authority)).verdict).toBe('taken');
    });

    it('a TCB signer is no authority', async () => {
        const { content } = packPckList(collateral({ pckCrl: { thisUpdate: secondsLater(-1) } }));
        const { issuer: signer } = packTcbInfo(collateral());
        expect((await box.postList(content, signer)).verdict).toBe('certificate has the wrong role');
    });

    it('an authority signs no TCB info', async () => {
        const packed = packTcbInfo(collateral());
        const verdict = await box.postTcbInfo({ ...packed, issuer: authority });
        expect(verdict.verdict).toBe('not a TCB signing certificate');
        const ofRoot = await box.postQeIdentity({ ...packQeIdentity(collateral()), issuer: authority });
        expect(ofRoot.verdict).toBe('not a TCB signing certificate');
    });

    it('a list signed by another key, or with an authority that the root never signed, is refused', async () => {
        const strange = collateral({ pckCrl: { issuerKey: pki.processorCa.key, thisUpdate: secondsLater(-1) } });
        expect((await box.postPckList(strange)).verdict).toBe('revocation list is not signed by its authority');
        const rootOnly = collateral({ rootCrl: { issuerKey: pki.processorCa.key, thisUpdate: secondsLater(-1) } });
        expect((await box.postRootList(rootOnly)).verdict).toBe('revocation list is not signed by its authority');
        const { bits, refs } = authority;
        const forged = beginCell().storeBuffer(Buffer.alloc(64, 1)).storeRef(refs[0]!).storeRef(refs[1]!).endCell();
        expect(bits.length).toBe(512);
        expect((await box.postList(packPckList(strange).content, forged)).verdict).toBe(
            'CA certificate is not signed by the root',
        );
    });
});
