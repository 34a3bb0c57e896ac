import { readEnclaveBody, readTdBody, type EnclaveBody, type TdBody } from './bodies';
import { FormatError, requireFormat } from './format-error';
import {
    bodyDescriptorLength,
    bodyLength,
    bodyType,
    certificationType,
    enclaveReportLength,
    headerLength,
    signatureLength,
    teeType,
    type BodyType,
} from './quote-layout';

export interface QuoteHeader {
    version: number;
    keyType: number;
    teeType: number;
    qeVendorId: Buffer;
}

/** A quote cut into its parts. `end` is where it ends in the blob: later bytes are padding that nothing signs. */
export interface Quote {
    header: QuoteHeader;
    bodyType: BodyType;
    body: TdBody | EnclaveBody;
    /** Header and body, body descriptor included: what the attestation key signs. */
    signed: Buffer;
    signature: Buffer;
    attestationKey: Buffer;
    qeReport: EnclaveBody;
    qeReportBytes: Buffer;
    qeReportSignature: Buffer;
    qeAuthData: Buffer;
    /** PEM text of the PCK chain, from the inner certification data. */
    pckChain: Buffer;
    end: number;
}

/** Reads fields in sequence and never past `end`. */
class Cursor {
    constructor(
        private readonly bytes: Buffer,
        public offset: number,
        private readonly end: number,
    ) {}

    get remaining(): number {
        return this.end - this.offset;
    }

    take(length: number): Buffer {
        requireFormat(length <= this.remaining, 'quote shorter than its lengths say');
        this.offset += length;
        return this.bytes.subarray(this.offset - length, this.offset);
    }

    u16(): number {
        return this.take(2).readUInt16LE();
    }

    u32(): number {
        return this.take(4).readUInt32LE();
    }
}

export function readHeader(bytes: Buffer): QuoteHeader {
    const header = new Cursor(bytes, 0, bytes.length).take(headerLength);
    return {
        version: header.readUInt16LE(0),
        keyType: header.readUInt16LE(2),
        teeType: header.readUInt32LE(4),
        qeVendorId: header.subarray(12, 28),
    };
}

/** The type of body that follows the header; null where the quote's version has none such. */
export function bodyTypeOf(bytes: Buffer, header: QuoteHeader): BodyType | null {
    const isSgx = header.teeType === teeType.sgx;
    if (header.version < 5) {
        return isSgx ? bodyType.sgxEnclave : bodyType.td10;
    }
    const type = new Cursor(bytes, headerLength, bytes.length).u16();
    const known = (Object.values(bodyType) as number[]).includes(type);
    return known && isSgx === (type === bodyType.sgxEnclave) ? (type as BodyType) : null;
}

/** Cuts a quote whose header has been accepted. */
export function parseQuote(bytes: Buffer, header: QuoteHeader, type: BodyType): Quote {
    const cursor = new Cursor(bytes, headerLength, bytes.length);
    if (header.version >= 5) {
        const descriptor = cursor.take(bodyDescriptorLength);
        requireFormat(descriptor.readUInt32LE(2) === bodyLength[type], 'body size is not that of its type');
    }
    const body = cursor.take(bodyLength[type]);
    const signed = bytes.subarray(0, cursor.offset);
    const authLength = cursor.u32();
    requireFormat(authLength <= cursor.remaining, 'signature data longer than the quote');
    const end = cursor.offset + authLength;
    const auth = new Cursor(bytes, cursor.offset, end);
    const signature = auth.take(signatureLength);
    const attestationKey = auth.take(64);
    const certification = header.version === 3 ? auth : enterQeReportCertification(bytes, auth);
    const qeReportBytes = certification.take(enclaveReportLength);
    const qeReportSignature = certification.take(signatureLength);
    const qeAuthData = certification.take(certification.u16());
    const pckChain = takePckChain(certification);
    return {
        header,
        bodyType: type,
        body: type === bodyType.sgxEnclave ? readEnclaveBody(body) : readTdBody(body),
        signed,
        signature,
        attestationKey,
        qeReport: readEnclaveBody(qeReportBytes),
        qeReportBytes,
        qeReportSignature,
        qeAuthData,
        pckChain,
        end,
    };
}

/**
 * Where a quote's signature stands and where the quote ends in its blob, from its lengths alone; null where they make no
 * sense. Nothing is checked: it serves to tell evidence apart, since padding behind the end is not part of it.
 */
export function quoteSpan(bytes: Buffer): { signatureAt: number; end: number } | null {
    try {
        const header = readHeader(bytes);
        const type = bodyTypeOf(bytes, header);
        const bodyStart = headerLength + (header.version >= 5 ? bodyDescriptorLength : 0);
        const lengthAt = bodyStart + bodyLength[type ?? bodyType.td10];
        const end = lengthAt + 4 + bytes.readUInt32LE(lengthAt);
        return type !== null && end <= bytes.length ? { signatureAt: lengthAt + 4, end } : null;
    } catch {
        return null;
    }
}

/** Versions 4 and 5 wrap the QE report in certification data of type 6, which must fill the signature data. */
function enterQeReportCertification(bytes: Buffer, auth: Cursor): Cursor {
    requireCertification(auth.u16(), certificationType.qeReport);
    const length = auth.u32();
    requireFormat(length === auth.remaining, 'QE report certification data does not fill the signature data');
    return new Cursor(bytes, auth.offset, auth.offset + length);
}

function takePckChain(certification: Cursor): Buffer {
    requireCertification(certification.u16(), certificationType.pckChain);
    const length = certification.u32();
    requireFormat(length === certification.remaining, 'certificate chain does not fill the certification data');
    return certification.take(length);
}

/** The quote carries its certification in a form that needs a lookup, which this verifier does not do. */
export class CertificationTypeError extends FormatError {}

function requireCertification(found: number, expected: number): void {
    if (found !== expected) {
        throw new CertificationTypeError(`certification data of type ${found}, not ${expected}`);
    }
}
