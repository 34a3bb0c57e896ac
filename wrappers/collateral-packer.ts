import { Cell } from '@ton/core';
import { packSigned, pemToDer } from './quote-packer';
import { CertificateParts, cutCertificate, cutRevocationList } from './quote-packer-certificate';
import { QuotePackError } from './quote-packer-error';

/** A text that Intel signs, as its service hands it out. */
export interface SignedText {
    /** the exact bytes received: they are what is signed */
    text: string;
    /** hex of r | s */
    signature: string;
    /** PEM of the signing certificate and the root */
    issuerChain: string;
}

/** A revocation list with the chain of its issuer. */
export interface SignedRevocationList {
    /** hex of DER */
    list: string;
    /** PEM of the PCK CA and the root; for the root's own list any chain that ends at the root */
    issuerChain: string;
}

/** The two cells of a posting. */
export interface PackedPosting {
    content: Cell;
    issuer: Cell;
}

const maxCellBytes = 127;

/**
 * Where the contract goes on to another cell: at a component, at a value that begins after `":"` or (not of a component) after `":`, and at an
 * item of a list of strings.
 */
const cutPlace = /(?=\{"svn":)|(?<=":")|(?<=(?<!svn)":)(?=\d)|(?<=[[,]")(?=[^"]*"[,\]])/g;

/**
 * TCB info or a QE identity in cells as contracts/attestation/text.tact reads them. Deterministic and without judgement.
 * @throws {QuotePackError} where there is nothing to pack
 */
export function packSignedText({ text, signature, issuerChain }: SignedText): PackedPosting {
    const { issuer, root } = openChain(issuerChain);
    const pieces = cutText(text);
    return {
        content: packSigned({ pieces, signature: hexBytes(signature, 64), key: issuer.key }),
        issuer: packSigned({ ...issuer, key: root.key }),
    };
}

/** A PCK CA's list, with the CA's certificate. @throws {QuotePackError} where the bytes are not a revocation list */
export function packPckRevocationList({ list, issuerChain }: SignedRevocationList): PackedPosting {
    const { issuer, root } = openChain(issuerChain);
    return {
        content: packSigned({ ...cutRevocationList(Buffer.from(list, 'hex')), key: issuer.key }),
        issuer: packSigned({ ...issuer, key: root.key }),
    };
}

/** The root's own list. @throws {QuotePackError} where the bytes are not a revocation list */
export function packRootRevocationList({ list, issuerChain }: SignedRevocationList): Cell {
    const { root } = openChain(issuerChain);
    return packSigned({ ...cutRevocationList(Buffer.from(list, 'hex')), key: root.key });
}

function openChain(pem: string): { issuer: CertificateParts; root: CertificateParts } {
    const certificates = pemToDer(pem);
    if (certificates.length !== 2) {
        throw new QuotePackError('BAD_CERTIFICATE', `chain of ${certificates.length} certificates, not 2`);
    }
    const [issuer, root] = certificates.map(cutCertificate) as [CertificateParts, CertificateParts];
    return { issuer, root };
}

function cutText(text: string): Buffer[] {
    const bytes = Buffer.from(text, 'utf8');
    if (bytes.length !== text.length || bytes.length === 0) {
        throw new QuotePackError('UNSUPPORTED_LAYOUT', 'text is empty or not ASCII');
    }
    const places = [...text.matchAll(cutPlace)].map(({ index }) => index);
    const pieces: Buffer[] = [];
    for (let at = 0; at < bytes.length;) {
        const end = at + maxCellBytes;
        const cut =
            end >= bytes.length ? bytes.length : (places.filter((place) => place > at && place <= end).at(-1) ?? end);
        pieces.push(bytes.subarray(at, cut));
        at = cut;
    }
    return pieces;
}

function hexBytes(hex: string, length: number): Buffer {
    const bytes = Buffer.from(hex, 'hex');
    if (bytes.length === length && bytes.toString('hex') === hex.toLowerCase()) return bytes;
    throw new QuotePackError('UNSUPPORTED_LAYOUT', `signature is not ${length} bytes of hex`);
}
