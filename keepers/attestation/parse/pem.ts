import { requireFormat } from './format-error';

const block = /-----BEGIN CERTIFICATE-----\r?\n((?:[A-Za-z0-9+/=]{1,64}\r?\n)+)-----END CERTIFICATE-----(?:\r?\n|$)/y;

/**
 * Certificates of a PEM chain, in order. Nothing may stand between or after the blocks but line ends and the one zero
 * byte that Intel's quoting library appends, and base64 must be canonical: two texts never mean the same chain by accident.
 */
export function parsePemChain(text: string, maxCertificates: number): Buffer[] {
    const certificates: Buffer[] = [];
    const end = text.endsWith('\n\0') ? text.length - 1 : text.length;
    let offset = 0;
    while (offset < end) {
        block.lastIndex = offset;
        const match = block.exec(text);
        requireFormat(match !== null, 'not a PEM certificate chain');
        requireFormat(certificates.length < maxCertificates, 'more certificates than the chain has roles');
        certificates.push(decodeCanonical(match[1]!));
        offset = block.lastIndex;
    }
    return certificates;
}

function decodeCanonical(lines: string): Buffer {
    const base64 = lines.replace(/[\r\n]/g, '');
    const bytes = Buffer.from(base64, 'base64');
    requireFormat(bytes.toString('base64') === base64, 'base64 not canonical');
    return bytes;
}

/** Hex of one case only, so that one value has at most two spellings. */
export function parseHex(text: string): Buffer {
    requireFormat(text.length % 2 === 0 && (/^[0-9a-f]*$/.test(text) || /^[0-9A-F]*$/.test(text)), 'not hex');
    return Buffer.from(text, 'hex');
}
