import { beginCell, Cell } from '@ton/core';
import { cutQuote, packChain, packParts, packQuote, QuoteParts } from '../../../wrappers/quote-packer';
import { cutCertificate } from '../../../wrappers/quote-packer-certificate';
import { createVerifier } from './support/environment';
import {
    caExtensions,
    CertificateOptions,
    createKeyPair,
    extension,
    intelExtension,
    leafExtensions,
    mintCertificate,
    publicKeyInfo,
    signRaw,
} from './support/minted-certificate';
import { collateralOf, createAuthority, mintedAtSec, MintOptions, mintQuote, ppidOfMint } from './support/minted-quote';

const authority = createAuthority();
let environment: Awaited<ReturnType<typeof createVerifier>>;

beforeAll(async () => {
    environment = await createVerifier({
        rootKey: authority.root.point,
        nowSec: mintedAtSec,
        collateral: [collateralOf(authority)],
    });
});

const mint = (options: Partial<MintOptions> = {}): Buffer => mintQuote({ authority, ...options });

function verdictOfCell(packed: Cell): Promise<string> {
    return environment.judge(packed);
}

/** The verdict on a quote whose parts a hostile packer changed; hints are made to fit the change. */
function verdictOfParts(change: (parts: QuoteParts) => void, quote = mint()): Promise<string> {
    const parts = cutQuote(quote);
    change(parts);
    return verdictOfCell(packParts(parts));
}

/** Moves the first bytes of a piece to the end of the one before, or back: the digest stays, the fields would move. */
function moveBoundary(pieces: Buffer[], index: number, bytes: number): void {
    const joined = Buffer.concat([pieces[index - 1]!, pieces[index]!]);
    const boundary = pieces[index - 1]!.length + bytes;
    pieces.splice(index - 1, 2, joined.subarray(0, boundary), joined.subarray(boundary));
}

it('an honest packer gets an honest quote through', async () => {
    expect(await verdictOfCell(packQuote(mint()))).toBe('verified');
});

describe('cells cut differently, so that one field would read as another', () => {
    it.each([1, 2, 3, 4, 5, 6])('are refused before piece %i of the quote', async (index) => {
        for (const bytes of [-6, 5]) {
            const verdict = await verdictOfParts(({ quote }) => moveBoundary(quote.pieces, index, bytes));
            expect(verdict).toBe('field has another size');
        }
    });

    it.each([1, 2, 3])('are refused before piece %i of the QE report', async (index) => {
        const verdict = await verdictOfParts(({ qeReport }) => moveBoundary(qeReport.pieces, index, 16));
        expect(verdict).toBe('field has another size');
    });

    it.each([1, 2, 3, 4, 5, 6, 9])('are refused before piece %i of the PCK certificate', async (index) => {
        for (const bytes of [-2, 3]) {
            const verdict = await verdictOfParts(({ leaf }) => moveBoundary(leaf.pieces, index, bytes));
            expect(verdict).toMatch(/^(malformed certificate|certificate key is not P-256|Cell underflow)$/);
        }
    });

    it.each([1, 2, 3, 4, 5, 6])('are refused before piece %i of the CA certificate', async (index) => {
        for (const bytes of [-2, 3]) {
            const verdict = await verdictOfParts(({ ca }) => moveBoundary(ca.pieces, index, bytes));
            expect(verdict).toMatch(/^(malformed certificate|certificate key is not P-256|Cell underflow)$/);
        }
    });

    it('are refused with half bytes', async () => {
        const parts = cutQuote(mint());
        const packed = packParts(parts).beginParse();
        const [quote, qeReport, leaf, ca] = [packed.loadRef(), packed.loadRef(), packed.loadRef(), packed.loadRef()];
        const head = leaf.beginParse();
        const hints = head.loadRef();
        const chain = head.loadRef().beginParse();
        const next = chain.loadRef();
        const bits = chain.loadBits(chain.remainingBits - 4);
        const halved = beginCell().storeBits(bits).storeRef(next).endCell();
        const signed = beginCell().storeBuffer(parts.leaf.signature).storeRef(hints).storeRef(halved).endCell();
        const root = beginCell().storeBuffer(parts.attestationKey).storeBuffer(parts.authData);
        const cell = root.storeRef(quote).storeRef(qeReport).storeRef(signed).storeRef(ca).endCell();
        expect(await verdictOfCell(cell)).toBe('malformed certificate');
    });

    it("may differ where no field is read: the rest of Intel's extension", async () => {
        const verdict = await verdictOfParts(({ leaf }) => moveBoundary(leaf.pieces, leaf.pieces.length - 1, 5));
        expect(verdict).toBe('verified');
    });
});

describe('pieces added, dropped or emptied', () => {
    const chains = ['quote', 'qeReport', 'leaf', 'ca'] as const;

    it.each(chains)('at the end of the %s are refused', async (chain) => {
        const added = await verdictOfParts((parts) => parts[chain].pieces.push(Buffer.alloc(1)));
        expect(added).toMatch(/field has another size|malformed certificate/);
        const empty = await verdictOfParts((parts) => parts[chain].pieces.push(Buffer.alloc(0)));
        expect(empty).toMatch(/field has another size|malformed certificate|verified/);
        const dropped = await verdictOfParts((parts) => void parts[chain].pieces.pop());
        expect(dropped).toMatch(/field has another size|malformed certificate|Cell underflow/);
    });

    it('that extend the attestation key by authentication data, or cut it, are refused', async () => {
        const moved = await verdictOfParts((parts) => {
            parts.authData = Buffer.concat([parts.attestationKey.subarray(63), parts.authData]);
            parts.attestationKey = parts.attestationKey.subarray(0, 63);
        });
        // The concatenation, and so the digest in the QE report, is the same: nothing has moved.
        expect(moved).toBe('verified');
        const cut = await verdictOfParts((parts) => {
            parts.authData = Buffer.alloc(0);
            parts.attestationKey = parts.attestationKey.subarray(0, 63);
        });
        expect(cut).toBe('attestation key is not bound to the QE report');
    });
});

describe('signatures and hints', () => {
    const reasons = {
        quote: 'quote is not signed by the attestation key',
        qeReport: 'QE report is not signed by the PCK key',
        leaf: 'PCK certificate is not signed by its CA',
        ca: 'CA certificate is not signed by the root',
    } as const;

    it.each(Object.entries(reasons))('by another key on the %s are refused', async (part, reason) => {
        const stranger = createKeyPair();
        const verdict = await verdictOfParts((parts) => {
            const target = parts[part as keyof typeof reasons];
            target.signature = signRaw(stranger, Buffer.concat(target.pieces));
        });
        expect(verdict).toBe(reason);
    });

    it.each(Object.entries(reasons))('whose hints on the %s an attacker chose are refused', async (part, reason) => {
        const order = Object.keys(reasons).indexOf(part);
        const packed = packQuote(mint());
        const signed = packed.refs[order]!;
        // Right for another signature of the same quote.
        const otherHints = packed.refs[(order + 1) % 4]!.refs[0]!;
        const forged = [otherHints, beginCell().storeBuffer(Buffer.alloc(96)).endCell()];
        for (const hints of forged) {
            const replaced = beginCell().storeBits(signed.bits).storeRef(hints).storeRef(signed.refs[1]!).endCell();
            const root = packed.refs.reduce(
                (builder, ref, index) => builder.storeRef(index === order ? replaced : ref),
                beginCell().storeBits(packed.bits),
            );
            expect(await verdictOfCell(root.endCell())).toBe(reason);
        }
    });

    it('of another size are refused', async () => {
        const verdict = await verdictOfParts(({ quote }) => (quote.signature = Buffer.alloc(65, 1)));
        expect(verdict).toBe('field has another size');
    });
});

describe('certificates in the wrong place', () => {
    it('swapped are refused', async () => {
        const verdict = await verdictOfParts((parts) => {
            [parts.leaf, parts.ca] = [parts.ca, parts.leaf];
        });
        expect(verdict).toBe('not a PCK CA certificate');
    });

    it('the CA as its own leaf is refused', async () => {
        const verdict = await verdictOfParts((parts) => (parts.leaf = parts.ca));
        expect(verdict).toBe('not a PCK certificate of this CA');
    });

    it('a leaf signed by the root directly is refused', async () => {
        const leaf = { issuer: 'Intel SGX Root CA', issuerKey: authority.root };
        const verdict = await verdictOfParts(({ leaf: part, ca }) => (ca.key = part.key), mint({ leaf }));
        expect(verdict).toBe('not a PCK certificate of this CA');
    });

    it("a leaf signed by the root, named as the CA's, is refused", async () => {
        expect(await verdictOfParts(() => undefined, mint({ leaf: { issuerKey: authority.root } }))).toBe(
            'PCK certificate is not signed by its CA',
        );
    });

    it("Intel's TCB signer, which the root signs too, is no CA", async () => {
        const ca = { subject: 'Intel SGX TCB Signing', extensions: leafExtensions(ppidOfMint).slice(0, 4) };
        expect(await verdictOfParts(() => undefined, mint({ ca }))).toBe('certificate has the wrong role');
    });

    it("a CA for processors serves as well as one for platforms, but not for the other's leaves", async () => {
        const processor = 'Intel SGX PCK Processor CA';
        const both = mint({ ca: { subject: processor }, leaf: { issuer: processor } });
        // Nothing is wrong with it but that nobody has posted this authority's list.
        expect(await verdictOfParts(() => undefined, both)).toBe('no revocation list of this authority');
        expect(await verdictOfParts(() => undefined, mint({ ca: { subject: processor } }))).toBe(
            'not a PCK certificate of this CA',
        );
    });

    it('a CA named by another root is refused', async () => {
        const ca = { issuer: 'Intel SGX Root CB' };
        expect(await verdictOfParts(() => undefined, mint({ ca }))).toBe('not a PCK CA certificate');
    });

    it('an unknown leaf name is refused', async () => {
        const leaf = { subject: 'Intel SGX PCK Certificatf' };
        expect(await verdictOfParts(() => undefined, mint({ leaf }))).toBe('not a PCK certificate of this CA');
    });

    it.each(['leaf', 'ca'] as const)('an expired or future %s is refused, the edges are not', async (which) => {
        const verdicts: string[] = [];
        const windows: [number, number][] = [
            [-10, -1],
            [-10, 0],
            [0, 10],
            [1, 10],
        ];
        for (const [from, to] of windows) {
            const dates = { notBeforeSec: mintedAtSec + from, notAfterSec: mintedAtSec + to };
            verdicts.push(await verdictOfParts(() => undefined, mint({ [which]: dates })));
        }
        const expired = 'certificate is expired or not yet valid';
        expect(verdicts).toEqual([expired, 'verified', 'verified', expired]);
    });
});

describe('what an issued certificate could hide', () => {
    const stranger = createKeyPair();
    const decoy = publicKeyInfo(stranger.point);

    async function verdictOfLeaf(leaf: Partial<CertificateOptions>): Promise<string> {
        return verdictOfParts(() => undefined, mint({ leaf }));
    }

    it("a second public key in an extension is not taken for the subject's", async () => {
        const extensions = leafExtensions(ppidOfMint);
        extensions.splice(1, 0, extension('2a0304', decoy));
        expect(await verdictOfLeaf({ extensions })).toBe('verified');
        // The QE report signed by the hidden key, and cells cut so that the hidden key stands where the real one should.
        const forged = mint({ leaf: { extensions }, authority: { ...authority, pck: stranger } });
        const genuine = cutQuote(mint({ leaf: { extensions } })).leaf;
        expect(
            await verdictOfParts((parts) => {
                parts.leaf = genuine;
                parts.qeReport.key = stranger.point;
            }, forged),
        ).toBe('QE report is not signed by the PCK key');
        const recut = Buffer.concat(genuine.pieces);
        const at = recut.indexOf(decoy);
        const hidden = { ...genuine, pieces: [...genuine.pieces.slice(0, 4), recut.subarray(at, at + 99)] };
        expect(
            await verdictOfParts((parts) => {
                parts.leaf = hidden;
                parts.qeReport.key = stranger.point;
            }, forged),
        ).toBe('malformed certificate');
    });

    it('a serial number shaped like the fields after it stays a serial number', async () => {
        const serial = Buffer.from('300a06082a8648ce3d0403023070312230', 'hex');
        expect(await verdictOfLeaf({ serial })).toBe('verified');
    });

    it('a serial number longer than X.509 allows is refused', async () => {
        expect(await verdictOfLeaf({ serial: Buffer.alloc(21, 0x7f) })).toBe('verified');
        expect(await verdictOfLeaf({ serial: Buffer.alloc(22, 0x7f) })).toBe('malformed certificate');
    });

    it('a key of another curve or form is refused', async () => {
        const p384 = Buffer.from(publicKeyInfo(authority.pck.point));
        p384[22] = 0x22;
        expect(await verdictOfLeaf({ publicKeyInfo: p384 })).toBe('certificate key is not P-256');
    });

    it('another certificate version is refused', async () => {
        expect(await verdictOfLeaf({ version: Buffer.from('a003020101', 'hex') })).toBe('malformed certificate');
    });

    it('a leaf that says it is a CA, or says nothing, is refused', async () => {
        const [authorityId, subjectId, , , intel] = leafExtensions(ppidOfMint) as [
            Buffer,
            Buffer,
            Buffer,
            Buffer,
            Buffer,
        ];
        const asCa = [...caExtensions(), intel];
        expect(await verdictOfLeaf({ extensions: asCa })).toBe('certificate has the wrong role');
        expect(await verdictOfLeaf({ extensions: [authorityId, subjectId, intel] })).toBe(
            'certificate has the wrong role',
        );
    });

    it('a CA that says it is not one is refused', async () => {
        const ca = { extensions: leafExtensions(ppidOfMint).slice(0, 4) };
        expect(await verdictOfParts(() => undefined, mint({ ca }))).toBe('certificate has the wrong role');
    });

    it("a leaf without Intel's extension, or with something after it, is refused", async () => {
        const extensions = leafExtensions(ppidOfMint);
        expect(await verdictOfLeaf({ extensions: extensions.slice(0, 4) })).toBe('malformed platform extension');
        expect(await verdictOfLeaf({ extensions: [...extensions, extensions[0]!] })).toBe('malformed certificate');
    });

    it("an extension that only resembles Intel's is refused", async () => {
        const [...others] = leafExtensions(ppidOfMint).slice(0, 4);
        for (const at of [14, 20, 39, 38]) {
            const altered = Buffer.from(intelExtension(ppidOfMint));
            altered[at]! ^= 1;
            const verdict = await verdictOfLeaf({ extensions: [...others, altered] }).catch(
                (error: Error) => error.name,
            );
            expect(verdict).toMatch(/^(malformed certificate|QuotePackError|verified)$/);
            if (at < 39) expect(verdict).not.toBe('verified');
        }
    });

    /** A byte of the signed part changed, and all signed by the genuine CA. */
    function verdictOfIssued(part: 'leaf' | 'ca', piece: number, at: number): Promise<string> {
        return verdictOfParts((parts) => {
            const { pieces } = parts[part];
            const changed = Buffer.from(pieces[piece]!);
            changed[at < 0 ? changed.length + at : at]! ^= 1;
            pieces[piece] = changed;
            const issuer = part === 'leaf' ? authority.ca : authority.root;
            parts[part].signature = signRaw(issuer, Buffer.concat(pieces));
        });
    }

    const lengths: [string, 'leaf' | 'ca', number, number][] = [
        ['the whole PCK certificate', 'leaf', 0, 3],
        ['the whole CA certificate', 'ca', 0, 3],
        ['the wrapper of the extensions', 'leaf', 4, -5],
        ['the list of extensions', 'leaf', 4, -1],
        ['an extension', 'leaf', 6, 1],
        ["Intel's extension", 'leaf', 9, 3],
        ["the value of Intel's extension", 'leaf', 9, 18],
        ["the list in Intel's extension", 'leaf', 9, 22],
        ['the list of the CA', 'ca', 4, -1],
    ];

    it.each(lengths)('a length that disagrees, of %s, is refused even when issued so', async (_, part, piece, at) => {
        expect(await verdictOfIssued(part, piece, at)).toBe('malformed certificate');
    });

    it("a length that agrees with nothing after Intel's extension is refused", async () => {
        const parts = cutQuote(mint());
        const pieces = parts.leaf.pieces.map((piece) => Buffer.from(piece));
        // The list claims one byte less than Intel's extension fills; every outer length follows suit.
        for (const [piece, at] of [
            [0, 3],
            [4, -5],
            [4, -1],
        ] as const) {
            const bytes = pieces[piece]!;
            bytes[at < 0 ? bytes.length + at : at]! -= 1;
        }
        const signature = signRaw(authority.ca, Buffer.concat(pieces));
        expect(await verdictOfCell(packParts({ ...parts, leaf: { ...parts.leaf, pieces, signature } }))).toBe(
            'malformed certificate',
        );
    });

    it('times in the format of later centuries are refused, not misread', async () => {
        const dates = { notBeforeSec: Date.UTC(1999, 0, 1) / 1000, notAfterSec: mintedAtSec + 10 };
        expect(await verdictOfLeaf(dates)).toBe('certificate is expired or not yet valid');
    });
});

it('the certificate cutter and the contract agree on every byte: concatenated pieces are the signed part', () => {
    const der = mintCertificate({
        subject: 'a',
        issuer: 'b',
        key: authority.pck,
        issuerKey: authority.ca,
        notBeforeSec: mintedAtSec,
        notAfterSec: mintedAtSec,
        extensions: leafExtensions(ppidOfMint),
    });
    const { pieces } = cutCertificate(der);
    expect(Buffer.concat(pieces).equals(der.subarray(4, 4 + Buffer.concat(pieces).length))).toBe(true);
    expect(packChain(pieces).depth()).toBe(pieces.length - 1);
});
