import { createHash } from 'node:crypto';
import { beginCell, Builder, Cell } from '@ton/core';
import { CertificateParts, cutCertificate } from './quote-packer-certificate';
import { P256Hints, p256Hints } from './quote-packer-p256';
import { QuotePackError } from './quote-packer-error';

/** Bytes with the signature over them; `key` (x | y) is the one the signature is meant to be by. */
export interface SignedPieces {
    pieces: Buffer[];
    signature: Buffer;
    key: Buffer;
}

/** A quote taken apart: what packParts turns into cells. */
export interface QuoteParts {
    /** x | y */
    attestationKey: Buffer;
    authData: Buffer;
    quote: SignedPieces;
    qeReport: SignedPieces;
    leaf: CertificateParts;
    ca: CertificateParts;
    /** x | y of the chain's own root: hints are made for it, the contract checks against the one it was deployed with. */
    rootKey: Buffer;
}

const headerBytes = 48;
const bodyHeaderBytes = 6;
const qeReportBytes = 384;
const maxAuthDataBytes = 63;
/** Piece ends within a TD body; the first piece also holds the header. See contracts/attestation/quote.tact. */
const bodyCuts = [64, 184, 280, 328, 424, 520, 584, 648];
/** Body sizes by the body type of version 5. */
const bodyBytesByType = new Map([
    [2, 584],
    [3, 648],
]);

/** Cursor over the quote: every read is bounds-checked. */
class QuoteReader {
    #at = 0;

    constructor(readonly bytes: Buffer) {}

    take(length: number): Buffer {
        const end = this.#at + length;
        if (end > this.bytes.length) throw new QuotePackError('TRUNCATED', `quote ends before byte ${end}`);
        const taken = this.bytes.subarray(this.#at, end);
        this.#at = end;
        return taken;
    }

    takeUint16(): number {
        return this.take(2).readUInt16LE();
    }

    /** A 32-bit length, as the offset at which what it measures ends. */
    takeLength(): number {
        return this.take(4).readUInt32LE() + this.#at;
    }

    takeUpTo(end: number): Buffer {
        return this.take(end - this.#at);
    }
}

function expect(condition: boolean, message: string): void {
    if (!condition) throw new QuotePackError('UNSUPPORTED_LAYOUT', message);
}

/** Header and body, cut. Any version but 5 is cut like 4: the contract is who refuses it. */
function takeSignedPart(reader: QuoteReader): Buffer[] {
    const header = reader.take(headerBytes);
    const isVersion5 = header.readUInt16LE() === 5;
    const bodyHeader = reader.take(isVersion5 ? bodyHeaderBytes : 0);
    const bodyType = isVersion5 ? bodyHeader.readUInt16LE() : 2;
    const bodyBytes = bodyBytesByType.get(bodyType);
    expect(bodyBytes !== undefined, `body type ${bodyType} is not a TD 1.0 or 1.5 one`);
    const body = reader.take(bodyBytes!);
    const ends = bodyCuts.filter((end) => end <= bodyBytes!);
    const pieces = ends.map((end, index) => body.subarray(ends[index - 1] ?? 0, end));
    return [Buffer.concat([header, bodyHeader, pieces[0]!]), ...pieces.slice(1)];
}

function takeAuthData(reader: QuoteReader): Buffer {
    const length = reader.takeUint16();
    expect(length <= maxAuthDataBytes, `QE authentication data of ${length} bytes`);
    return reader.take(length);
}

const pemCertificate =
    /-----BEGIN CERTIFICATE-----\r?\n((?:[A-Za-z0-9+/=]+\r?\n)+)-----END CERTIFICATE-----(?:\r?\n)?/y;

/** The certificates of a strict PEM chain; what follows the last one (usually a zero byte) is ignored. @throws {QuotePackError} */
export function pemToDer(pem: string): Buffer[] {
    const certificates: Buffer[] = [];
    pemCertificate.lastIndex = 0;
    for (let match = pemCertificate.exec(pem); match !== null; match = pemCertificate.exec(pem)) {
        const base64 = match[1]!.replace(/\r?\n/g, '');
        const der = Buffer.from(base64, 'base64');
        if (der.toString('base64') !== base64)
            throw new QuotePackError('BAD_CERTIFICATE', 'PEM is not canonical base64');
        certificates.push(der);
    }
    return certificates;
}

/** Takes a version 4 or 5 TDX quote apart. @throws {QuotePackError} */
export function cutQuote(quote: Buffer): QuoteParts {
    const reader = new QuoteReader(quote);
    const quotePieces = takeSignedPart(reader);
    const signatureEnd = reader.takeLength();
    const quoteSignature = reader.take(64);
    const attestationKey = reader.take(64);
    expect(reader.takeUint16() === 6, 'certification data is not a QE report with its certification');
    const certificationEnd = reader.takeLength();
    const qeReport = reader.take(qeReportBytes);
    const qeSignature = reader.take(64);
    const authData = takeAuthData(reader);
    expect(reader.takeUint16() === 5, 'the PCK certificate chain is not embedded');
    const chainEnd = reader.takeLength();
    expect(chainEnd === certificationEnd && chainEnd === signatureEnd, 'lengths inside the quote disagree');
    const certificates = pemToDer(reader.takeUpTo(chainEnd).toString('latin1'));
    if (certificates.length !== 3) {
        throw new QuotePackError('BAD_CERTIFICATE', `chain of ${certificates.length} certificates, not 3`);
    }
    const [leaf, ca, root] = certificates.map(cutCertificate) as [CertificateParts, CertificateParts, CertificateParts];
    return {
        attestationKey,
        authData,
        quote: { pieces: quotePieces, signature: quoteSignature, key: attestationKey },
        qeReport: { pieces: cutEvery(qeReport, 96), signature: qeSignature, key: leaf.key },
        leaf,
        ca,
        rootKey: root.key,
    };
}

function cutEvery(bytes: Buffer, length: number): Buffer[] {
    return Array.from({ length: bytes.length / length }, (_, index) =>
        bytes.subarray(index * length, (index + 1) * length),
    );
}

/** A chain of cells: each one's only reference is the next. */
export function packChain(pieces: Buffer[]): Cell {
    return pieces.reduceRight<Cell | undefined>((next, piece) => {
        const builder = beginCell().storeBuffer(piece);
        return (next === undefined ? builder : builder.storeRef(next)).endCell();
    }, undefined)!;
}

export function packHints({ d, shiftX, slope }: P256Hints): Cell {
    return beginCell().storeUint(d, 256).storeUint(shiftX, 256).storeUint(slope, 256).endCell();
}

/** Where no hints exist zeros go instead, and the contract refuses. */
export function packSigned({ pieces, signature, key }: SignedPieces): Cell {
    const digest = createHash('sha256').update(Buffer.concat(pieces)).digest();
    const hints = p256Hints({ digest, signature, key }) ?? { d: 0n, shiftX: 0n, slope: 0n };
    return beginCell().storeBuffer(signature).storeRef(packHints(hints)).storeRef(packChain(pieces)).endCell();
}

export function packParts(parts: QuoteParts): Cell {
    return packReports(parts)
        .storeRef(packSigned({ ...parts.leaf, key: parts.ca.key }))
        .storeRef(packSigned({ ...parts.ca, key: parts.rootKey }))
        .endCell();
}

/** Without the certificates, for a contract that knows the PCK key from an earlier quote. */
export function packPartsOfKnownPck(parts: QuoteParts): Cell {
    const keyHash = beginCell().storeBuffer(pckKeyHash(parts)).endCell();
    return packReports(parts).storeRef(keyHash).endCell();
}

/** Under which the contract remembers a PCK key, 32 bytes. */
export function pckKeyHash(parts: QuoteParts): Buffer {
    return createHash('sha256').update(parts.leaf.key).digest();
}

function packReports(parts: QuoteParts): Builder {
    return beginCell()
        .storeBuffer(parts.attestationKey)
        .storeBuffer(parts.authData)
        .storeRef(packSigned(parts.quote))
        .storeRef(packSigned(parts.qeReport));
}

/**
 * Packs a TDX quote, as the TEE's quoting service returns it, for QuoteVerifier. Deterministic and without judgement: a false quote is
 * packed too, and refused on chain with its reason.
 * @throws {QuotePackError} where the bytes have no place in the contract's layout
 */
export function packQuote(quote: Buffer): Cell {
    return packParts(cutQuote(quote));
}
