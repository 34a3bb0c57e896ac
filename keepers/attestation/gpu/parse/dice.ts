import { DerReader, derTag, readSequence } from '../../parse/der';
import { requireFormat } from '../../parse/format-error';

/** Extensions of the Trusted Computing Group's DICE in a GPU's leaf certificate, as hex of their DER content. */
export const diceOid = {
    /** 2.23.133.5.4.1: what Hopper has, a device key and one FWID. */
    compositeDeviceId: '678105050401',
    /** 2.23.133.5.4.1.1: what Blackwell has, TCB info with FWIDs and flags. */
    tcbInfo: '67810505040101',
} as const;

const sha384 = '608648016503040202';
const contextFwids = 0xa6;
const contextFlags = 0x87;

/** Flags of TCB info that no production GPU has: not secure, recovery, debug. Not-configured (0x80) all have. */
const badFlags = 0x70;

export interface FirmwareId {
    /** SHA-384 of the first mutable code. */
    fwid: Buffer;
    /** The firmware itself says that it can be debugged, is in recovery, or not secured. */
    isUnsafe: boolean;
}

/** SEQUENCE { version, SubjectPublicKeyInfo, SEQUENCE { SHA-384, digest } }. */
export function parseCompositeDeviceId(value: Buffer): FirmwareId {
    const fields = readSequence(value);
    fields.read(derTag.integer);
    fields.read(derTag.sequence);
    const fwid = readFwid(fields);
    fields.end();
    return { fwid, isUnsafe: false };
}

/** DiceTcbInfo: fields with context tags in ascending order; of several FWIDs the first is the leaf's own code. */
export function parseTcbInfo(value: Buffer): FirmwareId {
    const fields = readSequence(value);
    let fwid: Buffer | undefined;
    let flags = 0;
    let lastTag = 0;
    while (!fields.done) {
        const { tag, content } = fields.readAny();
        const number = tag & 0x1f;
        requireFormat((tag & 0xc0) === 0x80 && number >= lastTag, 'TCB info out of order');
        lastTag = number + 1;
        if (tag === contextFwids) fwid = readFwid(new DerReader(content));
        if (tag === contextFlags) {
            requireFormat(content.length >= 2 && content[0]! < 8, 'TCB info flags malformed');
            flags = content[1]!;
        }
    }
    requireFormat(fwid !== undefined, 'TCB info without FWID');
    return { fwid, isUnsafe: (flags & badFlags) !== 0 };
}

function readFwid(reader: DerReader): Buffer {
    const fields = new DerReader(reader.read(derTag.sequence).content);
    requireFormat(fields.read(derTag.oid).content.toString('hex') === sha384, 'FWID is not a SHA-384 digest');
    const digest = fields.read(derTag.octetString).content;
    fields.end();
    requireFormat(digest.length === 48, 'FWID is not of 48 bytes');
    return digest;
}
