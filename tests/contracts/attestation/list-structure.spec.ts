import { authorityKeyIdentifier, extension } from '../../../keepers/attestation/mint/certificates';
import { der, enumerated, integer, sequence, time } from '../../../keepers/attestation/mint/der-writer';
import { intelDistinguishedName } from '../../../keepers/attestation/mint/names';
import { ecdsaWithSha256Algorithm, oid } from '../../../keepers/attestation/parse/oids';
import { packQuote, packSigned } from '../../../wrappers/quote-packer';
import { createVerifier } from './support/environment';
import { createKeyPair } from './support/minted-certificate';
import { collateralOf, createAuthority, mintedAtSec, mintQuote } from './support/minted-quote';
import { collateral, createPostbox, packPckList, pki, type Postbox, secondsLater } from './support/postings';

// Revocation lists that their genuine authority signed as they are, so that only the one check of their form can refuse them.

const malformed = 'malformed revocation list';
let box: Postbox;
let before: ReturnType<Postbox['blockchain']['snapshot']>;

beforeAll(async () => {
    box = await createPostbox();
    await box.postRootList(collateral());
    before = box.blockchain.snapshot();
});
beforeEach(() => box.blockchain.loadFrom(before));

const { issuer: authority } = packPckList(collateral());
const { key } = pki.platformCa;
const listNumber = extension(oid.crlNumber, integer(2));
const keyId = authorityKeyIdentifier(key);
const serial = Buffer.alloc(20, 0x31);
/** So many that the whole has a length of two bytes. */
const others = Array.from({ length: 8 }, (_unused, index) =>
    sequence(integer(Buffer.alloc(20, 0x40 + index)), time(secondsLater(-5))),
);
const honestEntry = sequence(integer(serial), time(secondsLater(-5)));

/** [0] { SEQUENCE } around so many bytes of extensions. */
const headerAround = (bytes: number, a0 = 0xa0, tag = 0x30) => Buffer.from([a0, bytes + 2, tag, bytes]);
const honestExtensions = [headerAround(listNumber.length + keyId.length), listNumber, keyId];

function sequenceHeader(bytes: number): Buffer {
    return Buffer.from([0x30, 0x82, bytes >> 8, bytes & 0xff]);
}

/** The signed part, cut as the contract reads it, with every length right that is not given. */
function piecesOf(parts: { entry?: Buffer; extensions?: Buffer[]; /** that the list says less */ missing?: number }) {
    const { entry = honestEntry, extensions = honestExtensions, missing = 0 } = parts;
    const entries = [...others, entry];
    const rest = [
        intelDistinguishedName(pki.platformCa.name),
        Buffer.concat([time(secondsLater(-10)), time(secondsLater(86_400))]),
        sequenceHeader(Buffer.concat(entries).length - missing),
        ...entries,
        ...extensions,
    ];
    const first = Buffer.concat([integer(1), ecdsaWithSha256Algorithm]);
    return [Buffer.concat([sequenceHeader(first.length + Buffer.concat(rest).length), first]), ...rest];
}

/** Posts the pieces, with the authority's signature over just these bytes. */
async function post(pieces: Buffer[]): Promise<string> {
    const signature = key.sign(Buffer.concat(pieces));
    const packed = packSigned({ pieces, signature, key: key.publicKey.subarray(1) });
    return (await box.postList(packed, authority)).verdict;
}

it('an honest list is taken', async () => {
    expect(await post(piecesOf({}))).toBe('taken');
});

describe('a list whose authority signed another form is refused, where', () => {
    it('it is no sequence', async () => {
        const [head, ...rest] = piecesOf({});
        expect(await post([Buffer.from([0x31, ...head!.subarray(1)]), ...rest])).toBe(malformed);
    });

    it('its length is another than it has', async () => {
        const pieces = piecesOf({}).map((piece) => Buffer.from(piece));
        pieces[0]!.writeUInt16BE(pieces[0]!.readUInt16BE(2) + 1, 2);
        expect(await post(pieces)).toBe(malformed);
    });

    it('something follows its extensions', async () => {
        const pieces = piecesOf({}).map((piece) => Buffer.from(piece));
        pieces[0]!.writeUInt16BE(pieces[0]!.readUInt16BE(2) + 2, 2);
        expect(await post([...pieces, Buffer.from([5, 0])])).toBe(malformed);
    });

    it.each([
        ['an entry has a serial number without digits', der(0x02, Buffer.alloc(0)), time(secondsLater(-5))],
        ['an entry has a date of another type', integer(serial), der(0x18, Buffer.from('250719000000Z'))],
        ['an entry has a local date', integer(serial), der(0x17, Buffer.from('250719000000+'))],
    ])('%s', async (_, number, date) => {
        expect(await post(piecesOf({ entry: sequence(number, date) }))).toBe(malformed);
    });

    it('a date of its own is of another type', async () => {
        const pieces = piecesOf({}).map((piece) => Buffer.from(piece));
        pieces[2]![0]! ^= 1;
        expect(await post(pieces)).toBe(malformed);
    });

    it('an entry has, where its reason stands, something else of the same length', async () => {
        const invalidity = sequence(extension('551d18', enumerated(1)));
        const entry = sequence(integer(serial), time(secondsLater(-5)), invalidity);
        expect(await post(piecesOf({ entry }))).toBe(malformed);
    });

    it('it has more than two hundred entries', async () => {
        const entries = Array.from({ length: 192 }, () => honestEntry);
        const without = (count: number) => {
            const pieces = piecesOf({ entry: Buffer.concat(entries.slice(count)) });
            // Every entry in a cell of its own: the first eight are, the others come in one piece.
            const at = pieces.findIndex((piece) => piece.length > 127);
            return [...pieces.slice(0, at), ...entries.slice(count), ...pieces.slice(at + 1)];
        };
        expect(await post(without(0))).toBe('taken');
        await box.blockchain.loadFrom(before);
        entries.push(honestEntry);
        expect(await post(without(0))).toBe(malformed);
    });

    it('its entries end within the last', async () => {
        expect(await post(piecesOf({ missing: 5 }))).toBe(malformed);
    });

    const bytes = listNumber.length + keyId.length;
    it.each([
        ['another tag stands for its extensions', headerAround(bytes, 0xa1)],
        ['its extensions are no sequence', headerAround(bytes, 0xa0, 0x31)],
        ['the wrapper of its extensions is longer', Buffer.from([0xa0, bytes + 3, 0x30, bytes])],
        ['its extensions end within the last', headerAround(bytes - 5)],
    ])('%s', async (_, header) => {
        expect(await post(piecesOf({ extensions: [header, listNumber, keyId] }))).toBe(malformed);
    });

    it('an extension has no value', async () => {
        const last = Buffer.from('3006' + '0603551d14' + '04', 'hex');
        const header = headerAround(listNumber.length + last.length);
        expect(await post(piecesOf({ extensions: [header, listNumber, last] }))).toBe(malformed);
    });

    it('an extension is so long that a length of one byte no longer says it', async () => {
        const last = longExtension();
        const inner = listNumber.length + last.length;
        const header = Buffer.from([0xa0, 0x81, inner + 2, 0x30, 0x81, inner]);
        const cut = [last.subarray(0, 127), last.subarray(127)];
        expect(await post(piecesOf({ extensions: [header, listNumber, ...cut] }))).toBe(malformed);
    });
});

/** 128 bytes under a header that DER does not know. */
function longExtension(): Buffer {
    const value = Buffer.alloc(0x80 - 7);
    return Buffer.concat([Buffer.from('3080' + '0603551d14' + '04', 'hex'), Buffer.from([value.length]), value]);
}

describe('the list of an authority', () => {
    it('says nothing of certificates under another key of the same name', async () => {
        const known = createAuthority();
        const collateralOfKnown = [collateralOf(known)];
        const { judge } = await createVerifier({
            rootKey: known.root.point,
            nowSec: mintedAtSec,
            collateral: collateralOfKnown,
        });
        expect(await judge(packQuote(mintQuote({ authority: known })))).toBe('verified');
        const twin = { ...known, ca: createKeyPair() };
        expect(await judge(packQuote(mintQuote({ authority: twin })))).toBe('revocation list of another authority');
    });
});
