import { toBytes, toInteger } from './quote-packer-p256';
import { QuotePackError } from './quote-packer-error';

/** A certificate's signed part, cut as contracts/attestation/certificate.tact reads it. */
export interface CertificateParts {
    /** TBSCertificate, in order, each piece at most 127 bytes */
    pieces: Buffer[];
    /** r | s */
    signature: Buffer;
    /** x | y of the subject's key */
    key: Buffer;
}

const maxCellBytes = 127;
/** Up to and with the PPID: what the contract reads of Intel's extension. */
const ppidBytes = 55;
/**
 * Where a new cell starts in the rest of Intel's extension, so that each field it may read later stands in one cell: item 0 is the header of the
 * TCB list, 1-17 its components and PCE version, 18 the CPU version, 19 the PCE id, 20 the FMSPC, 21 what comes after.
 */
const breaksBefore = new Set([6, 12, 18, 21]);

interface Element {
    headerBytes: number;
    end: number;
}

/** Bounds of the DER element at an offset. */
function elementAt(der: Buffer, offset: number): Element {
    const first = der[offset + 1];
    if (first === undefined) throw new QuotePackError('BAD_CERTIFICATE', `no DER element at ${offset}`);
    const lengthBytes = first < 0x80 ? 0 : first & 0x7f;
    const length = first < 0x80 ? first : Number(toInteger(der.subarray(offset + 2, offset + 2 + lengthBytes)));
    const headerBytes = 2 + lengthBytes;
    const end = offset + headerBytes + length;
    if (lengthBytes > 2 || end > der.length) {
        throw new QuotePackError('BAD_CERTIFICATE', `DER element at ${offset} is longer than its certificate`);
    }
    return { headerBytes, end };
}

/** Consecutive elements from an offset to an end. */
function elementsOf(der: Buffer, start: number, end: number): Buffer[] {
    const elements: Buffer[] = [];
    for (let at = start; at < end;) {
        const next = elementAt(der, at).end;
        elements.push(der.subarray(at, next));
        at = next;
    }
    return elements;
}

/** Pieces no longer than a cell. */
export function splitToCells(bytes: Buffer): Buffer[] {
    const pieces: Buffer[] = [];
    for (let at = 0; at < bytes.length; at += maxCellBytes) pieces.push(bytes.subarray(at, at + maxCellBytes));
    return pieces;
}

/** The TCB list (longer than a cell) becomes its header and its components; everything else stays whole. */
function extensionItems(element: Buffer): Buffer[] {
    if (element.length <= maxCellBytes) return [element];
    const outer = elementAt(element, 0);
    const afterOid = elementAt(element, outer.headerBytes).end;
    const listStart = afterOid + elementAt(element, afterOid).headerBytes;
    return [element.subarray(0, listStart), ...elementsOf(element, listStart, element.length)];
}

function cutIntelExtension(extension: Buffer): Buffer[] {
    const items = elementsOf(extension, ppidBytes, extension.length).flatMap(extensionItems);
    const groups: Buffer[][] = [];
    items.forEach((item, index) => {
        const last = groups.at(-1);
        const full = last !== undefined && Buffer.concat([...last, item]).length > maxCellBytes;
        if (last === undefined || full || breaksBefore.has(index)) groups.push([item]);
        else last.push(item);
    });
    return [extension.subarray(0, ppidBytes), ...groups.flatMap((group) => splitToCells(Buffer.concat(group)))];
}

function cutExtension(extension: Buffer): Buffer[] {
    return extension.length > maxCellBytes ? cutIntelExtension(extension) : [extension];
}

/** Serial number and algorithm with the outer header, then issuer, validity, subject, key with the list's headers, and the extensions. */
function cutSignedPart(tbs: Buffer): Buffer[] {
    const fieldsStart = elementAt(tbs, 0).headerBytes;
    const ends = elementsOf(tbs, fieldsStart, tbs.length).map((field) => field.length);
    if (ends.length !== 8) throw new QuotePackError('BAD_CERTIFICATE', `certificate has ${ends.length} fields, not 8`);
    const [version, serial, algorithm, issuer, validity, subject, key] = ends as [
        number,
        ...[number, number, number, number, number, number, number],
    ];
    const bounds = [0, fieldsStart + version + serial + algorithm];
    for (const length of [issuer, validity, subject]) bounds.push(bounds.at(-1)! + length);
    const extensionsStart = bounds.at(-1)! + key;
    const listStart = extensionsStart + elementAt(tbs, extensionsStart).headerBytes;
    const itemsStart = listStart + elementAt(tbs, listStart).headerBytes;
    bounds.push(itemsStart);
    const fields = bounds.slice(1).map((end, index) => tbs.subarray(bounds[index], end));
    return [...fields, ...elementsOf(tbs, itemsStart, tbs.length).flatMap(cutExtension)];
}

function fixedInteger(der: Buffer): Buffer {
    const value = toInteger(der);
    if (value >> 256n) throw new QuotePackError('BAD_CERTIFICATE', 'signature is not one of P-256');
    return toBytes(value, 32);
}

/** SEQUENCE { r, s } inside a BIT STRING, as r | s. */
function fixedSignature(bitString: Buffer): Buffer {
    const sequence = bitString.subarray(elementAt(bitString, 0).headerBytes + 1);
    const integers = elementsOf(sequence, elementAt(sequence, 0).headerBytes, sequence.length);
    if (integers.length !== 2) throw new QuotePackError('BAD_CERTIFICATE', 'signature is not a pair');
    return Buffer.concat(integers.map((integer) => fixedInteger(integer.subarray(elementAt(integer, 0).headerBytes))));
}

function encode(tag: number, ...contents: Buffer[]): Buffer {
    const content = Buffer.concat(contents);
    const length = content.length;
    const lengthBytes = length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
    return Buffer.concat([Buffer.from([tag, ...lengthBytes]), content]);
}

function encodeInteger(bytes: Buffer): Buffer {
    const digits = toInteger(bytes).toString(16);
    const even = digits.length % 2 ? `0${digits}` : digits;
    return encode(0x02, Buffer.from(parseInt(even[0]!, 16) >= 8 ? `00${even}` : even, 'hex'));
}

const ecdsaWithSha256 = Buffer.from('300a06082a8648ce3d040302', 'hex');

/** The one certificate that has this signed part and this signature. */
function encodeCertificate(tbs: Buffer, signature: Buffer): Buffer {
    const pair = encode(0x30, encodeInteger(signature.subarray(0, 32)), encodeInteger(signature.subarray(32)));
    return encode(0x30, tbs, ecdsaWithSha256, encode(0x03, Buffer.from([0]), pair));
}

/**
 * Takes a certificate apart. Its outer wrapping is not signed and not sent, so only the one proper wrapping is taken.
 * @throws {QuotePackError} BAD_CERTIFICATE
 */
export function cutCertificate(der: Buffer): CertificateParts {
    const outer = elementAt(der, 0);
    const [tbs, , bitString] = elementsOf(der, outer.headerBytes, outer.end);
    if (tbs === undefined || bitString === undefined) {
        throw new QuotePackError('BAD_CERTIFICATE', 'certificate is not three elements');
    }
    const signature = fixedSignature(bitString);
    if (!encodeCertificate(tbs, signature).equals(der)) {
        throw new QuotePackError('BAD_CERTIFICATE', 'certificate is not DER with an ECDSA SHA-256 signature');
    }
    const pieces = cutSignedPart(tbs);
    return { pieces, signature, key: pieces[4]!.subarray(27, 91) };
}

export interface RevocationListParts {
    /** TBSCertList, in order, each piece at most 127 bytes; an entry never straddles two */
    pieces: Buffer[];
    /** r | s */
    signature: Buffer;
}

/** Elements that contracts/attestation/revocation-list.tact reads from one cell each. */
function revocationListItems(tbs: Buffer): Buffer[] {
    const start = elementAt(tbs, 0).headerBytes;
    const fields = elementsOf(tbs, start, tbs.length);
    const [version, algorithm, issuer, issued, expires, ...rest] = fields;
    if (issuer === undefined || issued === undefined || expires === undefined) {
        throw new QuotePackError('BAD_CERTIFICATE', 'revocation list lacks its first fields');
    }
    const head = [
        Buffer.concat([tbs.subarray(0, start), version!, algorithm!]),
        issuer,
        Buffer.concat([issued, expires]),
    ];
    return [...head, ...rest.flatMap((list) => (list[0] === 0x30 ? openList(list, 1) : openList(list, 2)))];
}

/** The headers of so many nested lists, then the items of the innermost. */
function openList(element: Buffer, depth: number): Buffer[] {
    let start = 0;
    for (let level = 0; level < depth; level += 1) start += elementAt(element, start).headerBytes;
    return [element.subarray(0, start), ...elementsOf(element, start, element.length)];
}

/** Whole items, as many to a cell as it holds. */
function groupItems(items: Buffer[]): Buffer[] {
    const groups: Buffer[] = [];
    for (const item of items) {
        const last = groups.at(-1);
        if (last !== undefined && last.length + item.length <= maxCellBytes)
            groups[groups.length - 1] = Buffer.concat([last, item]);
        else groups.push(item);
    }
    return groups.flatMap(splitToCells);
}

/**
 * Takes a revocation list apart.
 * @throws {QuotePackError} BAD_CERTIFICATE
 */
export function cutRevocationList(der: Buffer): RevocationListParts {
    const outer = elementAt(der, 0);
    const [tbs, , bitString] = elementsOf(der, outer.headerBytes, outer.end);
    if (tbs === undefined || bitString === undefined) {
        throw new QuotePackError('BAD_CERTIFICATE', 'revocation list is not three elements');
    }
    const signature = fixedSignature(bitString);
    if (!encodeCertificate(tbs, signature).equals(der)) {
        throw new QuotePackError('BAD_CERTIFICATE', 'revocation list is not DER with an ECDSA SHA-256 signature');
    }
    return { pieces: groupItems(revocationListItems(tbs)), signature };
}
