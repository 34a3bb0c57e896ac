import { cutQuote, packParts } from '../../../wrappers/quote-packer';
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
        ['end of the first date', 'ca', 2, 16],
        ['tag of the second date', 'leaf', 2, 17],
        ['end of the second date', 'ca', 2, -1],
        ['tag of the list of extensions', 'leaf', 4, -4],
    ])('%s stands', async (_, part, piece, at) => {
        expect(await flipped(part, piece, at)).toBe(malformed);
    });

    it.each([
        ['tag of the components', 10, 0],
        ['tag of the list of components', 10, 16],
        ['header of the CPU SVN', 13, 0],
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
