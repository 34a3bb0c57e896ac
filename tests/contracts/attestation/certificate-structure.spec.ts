import { beginCell, Cell } from '@ton/core';
import { cutQuote, packParts } from '../../../wrappers/quote-packer';
import { splitToCells } from '../../../wrappers/quote-packer-certificate';
import { element, integer, oid, sequence } from './support/der';
import { createVerifier } from './support/environment';
import {
    caExtensions,
    CertificateOptions,
    extension,
    intelExtension,
    leafExtensions,
    signRaw,
} from './support/minted-certificate';
import { collateralOf, createAuthority, mintedAtSec, mintQuote, ppidOfMint } from './support/minted-quote';

// Certificates that their genuine authority signed as they are, so that only the one check of their form can refuse them.

const malformed = 'malformed certificate';
const malformedPlatform = 'malformed platform extension';
const authority = createAuthority();
let environment: Awaited<ReturnType<typeof createVerifier>>;

beforeAll(async () => {
    const collateral = [collateralOf(authority)];
    environment = await createVerifier({ rootKey: authority.root.point, nowSec: mintedAtSec, collateral });
});

type Part = 'leaf' | 'ca';

/** The verdict on a quote one of whose certificates has other bytes, signed by who issues such certificates. */
function verdictOf(part: Part, change: (pieces: Buffer[]) => void, options: Partial<Record<Part, object>> = {}) {
    const parts = cutQuote(mintQuote({ authority, ...options }));
    const pieces = parts[part].pieces.map((piece) => Buffer.from(piece));
    change(pieces);
    const signature = signRaw(part === 'leaf' ? authority.ca : authority.root, Buffer.concat(pieces));
    return environment.judge(packParts({ ...parts, [part]: { ...parts[part], pieces, signature } }));
}

const flipped = (part: Part, piece: number, at: number) =>
    verdictOf(part, (pieces) => {
        const bytes = pieces[piece]!;
        bytes[at < 0 ? bytes.length + at : at]! ^= 1;
    });

/** The bytes of the whole signed part changed by so many. */
function resize(pieces: Buffer[], bytes: number): void {
    pieces[0]!.writeUInt16BE(pieces[0]!.readUInt16BE(2) + bytes, 2);
}

describe('a certificate whose issuer signed another form is refused, where another', () => {
    it.each<[string, Part, number, number]>([
        ['tag of the whole', 'leaf', 0, 0],
        ['algorithm of the signature', 'leaf', 0, -1],
        ['tag of the validity', 'ca', 2, 0],
        ['end of the first date', 'ca', 2, 16],
        ['tag of the second date', 'leaf', 2, 17],
        ['end of the second date', 'ca', 2, -1],
        ['tag of the extensions', 'leaf', 4, 91],
        ['tag of the list of extensions', 'leaf', 4, -4],
    ])('%s stands', async (_, part, piece, at) => {
        expect(await flipped(part, piece, at)).toBe(malformed);
    });

    it.each([
        ['tag of the components', 10, 0],
        ['name of the components', 10, 5],
        ['tag of the list of components', 10, 16],
        ['name of a component', 10, 24],
        ['tag of the number of a component', 10, 35],
        ['header of the CPU SVN', 13, 0],
        ['header of the PCE id', 13, 33],
        ['header of the FMSPC', 13, 51],
    ])('%s stands', async (_, piece, at) => {
        expect(await flipped('leaf', piece, at)).toBe(malformedPlatform);
    });

    it('serial number has no digits', async () => {
        const verdict = await verdictOf('leaf', (pieces) => {
            const [head] = pieces as [Buffer];
            const serialBytes = head[10]!;
            pieces[0] = Buffer.concat([head.subarray(0, 10), Buffer.alloc(1), head.subarray(11 + serialBytes)]);
            resize(pieces, -serialBytes);
        });
        expect(verdict).toBe(malformed);
    });

    it('piece follows the PPID in its cell', async () => {
        const verdict = await verdictOf('leaf', (pieces) => (pieces[9] = Buffer.concat([pieces[9]!, Buffer.alloc(3)])));
        expect(verdict).toBe(malformed);
    });
});

/** A chain of cells that hold these bits. */
function chainOf(pieces: string[]): Cell {
    return pieces.reduceRight<Cell | null>((next, bits) => {
        const builder = beginCell();
        for (const bit of bits) builder.storeBit(bit === '1');
        return (next === null ? builder : builder.storeRef(next)).endCell();
    }, null)!;
}

it('cells with a fraction of a byte are refused, though two fractions make a byte', async () => {
    const parts = cutQuote(mintQuote({ authority }));
    const pieces = parts.leaf.pieces.map((piece) =>
        [...piece].map((byte) => byte.toString(2).padStart(8, '0')).join(''),
    );
    pieces[0] += '1010';
    pieces[pieces.length - 1] += '0101';
    const bytes = Buffer.from(
        pieces
            .join('')
            .match(/.{8}/g)!
            .map((bits) => parseInt(bits, 2)),
    );
    const signature = signRaw(authority.ca, bytes);
    const packed = packParts({ ...parts, leaf: { ...parts.leaf, pieces: splitToCells(bytes), signature } });
    const [quote, qeReport, leaf, ca] = packed.refs as [Cell, Cell, Cell, Cell];
    const uneven = beginCell().storeBits(leaf.bits).storeRef(leaf.refs[0]!).storeRef(chainOf(pieces)).endCell();
    const root = beginCell().storeBits(packed.bits).storeRef(quote).storeRef(qeReport).storeRef(uneven).storeRef(ca);
    expect(await environment.judge(root.endCell())).toBe(malformed);
});

describe('a quote signed with another head', () => {
    it.each([
        [4, 48],
        [5, 54],
    ] as const)('of version %i has bytes that no field takes', async (version, at) => {
        const parts = cutQuote(mintQuote({ authority, version }));
        const [head, ...rest] = parts.quote.pieces as [Buffer, ...Buffer[]];
        const longer = Buffer.concat([head.subarray(0, at), Buffer.alloc(3), head.subarray(at)]);
        const pieces = [longer, ...rest];
        const signature = signRaw(authority.attestation, Buffer.concat(pieces));
        const verdict = await environment.judge(packParts({ ...parts, quote: { ...parts.quote, pieces, signature } }));
        expect(verdict).toBe('field has another size');
    });
});

describe('a length is read as DER alone', () => {
    /** An extension that makes the list of a CA so many bytes long. */
    const filledTo = (bytes: number) => {
        const others = caExtensions();
        const filler = extension('2a0304', Buffer.alloc(bytes - Buffer.concat(others).length - 9));
        return { ca: { extensions: [...others, filler] } };
    };
    const headersOf = (pieces: Buffer[]) => pieces[4]!.subarray(91).toString('hex');
    const replaceHeaders = (pieces: Buffer[], hex: string) => {
        const headers = Buffer.from(hex, 'hex');
        resize(pieces, headers.length - (pieces[4]!.length - 91));
        pieces[4] = Buffer.concat([pieces[4]!.subarray(0, 91), headers]);
    };

    it.each([
        ['the shortest long form', 126, 'a3818030' + '7e', 'a38030' + '7e'],
        ['a form of three bytes', 131, 'a3818630' + '8183', 'a38530' + '83'],
    ])('not as one byte where it has %s', async (_, bytes, honest, dishonest) => {
        const options = filledTo(bytes);
        const honestly = verdictOf('ca', (pieces) => expect(headersOf(pieces)).toBe(honest), options);
        expect(await honestly).toBe('verified');
        expect(await verdictOf('ca', (pieces) => replaceHeaders(pieces, dishonest), options)).toBe(malformed);
    });
});

describe("an SVN in Intel's extension", () => {
    const leafWith = (svns: Record<number, Buffer>): Partial<CertificateOptions> => {
        const [intel] = leafExtensions(ppidOfMint).slice(-1) as [Buffer];
        expect(intel.equals(intelExtension(ppidOfMint))).toBe(true);
        return { extensions: [...leafExtensions(ppidOfMint).slice(0, 4), intelExtension(ppidOfMint, svns)] };
    };
    const verdictWith = (svns: Record<number, Buffer>) => verdictOf('leaf', () => undefined, { leaf: leafWith(svns) });
    const raw = (hex: string) => element(0x02, Buffer.from(hex, 'hex'));

    it.each([
        ['a component of 255', 1, '00ff', 'verified'],
        ['a component of 256', 1, '0100', malformedPlatform],
        ['the PCE of 65535', 17, '00ffff', 'verified'],
        ['the PCE of 65536', 17, '010000', malformedPlatform],
        ['no digits', 1, '', malformedPlatform],
        ['four bytes', 17, '00000001', malformedPlatform],
        ['a sign', 1, 'ff', malformedPlatform],
    ])('for %s is judged so', async (_, number, hex, verdict) => {
        expect(await verdictWith({ [number]: raw(hex) })).toBe(verdict);
    });

    it('of zero is one', async () => {
        expect(await verdictWith({ 1: integer(Buffer.from([0])) })).toMatch(
            /^(verified|platform is older than any level)$/,
        );
    });

    it('whose length disagrees with its integer is refused', async () => {
        const wrong = sequence(oid('2a864886f84d010d010201'), raw('05'));
        const verdict = await verdictOf('leaf', (pieces) => {
            const at = pieces[10]!.indexOf(wrong.subarray(2, 14));
            expect(at).toBeGreaterThan(0);
            pieces[10]![at - 1]! ^= 1;
        });
        expect(verdict).toBe(malformedPlatform);
    });
});

describe('an authority that the root certified', () => {
    it('for another purpose than PCK certificates issues none', async () => {
        const name = 'Intel SGX PCK Somebody CA';
        const verdict = await verdictOf('ca', () => undefined, { ca: { subject: name }, leaf: { issuer: name } });
        expect(verdict).toBe('not a PCK CA certificate');
    });
});
