import { createHash } from 'node:crypto';
import { requireFormat } from '../parse/format-error';

const pe32Plus = 0x20b;
const pe32 = 0x10b;
const securityDirectory = 4;
const sectionHeaderLength = 40;

interface Layout {
    checksumAt: number;
    /** Null in an image with too few directories to have one. */
    securityAt: number | null;
    headersLength: number;
    certificatesLength: number;
    sections: { start: number; end: number }[];
}

/**
 * Digest of a PE image as firmware measures and signers sign it: everything but the checksum, the pointer to the
 * signatures and the signatures. In the order of edk2's MeasurePeImageAndExtend, which pads nothing.
 */
export function authenticodeDigest(image: Buffer, algorithm: 'sha256' | 'sha384' = 'sha384'): Buffer {
    const { checksumAt, securityAt, headersLength, certificatesLength, sections } = readLayout(image);
    const hash = createHash(algorithm).update(image.subarray(0, checksumAt));
    if (securityAt === null) {
        hash.update(image.subarray(checksumAt + 4, headersLength));
    } else {
        hash.update(image.subarray(checksumAt + 4, securityAt)).update(image.subarray(securityAt + 8, headersLength));
    }
    let hashedLength = headersLength;
    for (const { start, end } of sections) {
        hash.update(image.subarray(start, end));
        hashedLength += end - start;
    }
    if (image.length > hashedLength) {
        const end = image.length - certificatesLength;
        requireFormat(end >= hashedLength, 'the signatures are longer than what follows the sections');
        hash.update(image.subarray(hashedLength, end));
    }
    return hash.digest();
}

function readLayout(image: Buffer): Layout {
    requireFormat(image.length >= 64 && image.toString('latin1', 0, 2) === 'MZ', 'not a PE image: no MZ');
    const coff = image.readUInt32LE(0x3c) + 4;
    requireFormat(image.toString('latin1', coff - 4, coff) === 'PE\0\0', 'not a PE image: no PE signature');
    const optional = coff + 20;
    const magic = image.readUInt16LE(optional);
    requireFormat(magic === pe32Plus || magic === pe32, 'not a PE image: unknown optional header');
    const directories = optional + (magic === pe32Plus ? 112 : 96);
    const hasSecurity = image.readUInt32LE(directories - 4) > securityDirectory;
    const securityAt = hasSecurity ? directories + securityDirectory * 8 : null;
    const headersLength = image.readUInt32LE(optional + 60);
    requireFormat(
        headersLength <= image.length && headersLength >= (securityAt === null ? optional + 68 : securityAt + 8),
        'the PE headers are of impossible length',
    );
    return {
        checksumAt: optional + 64,
        securityAt,
        headersLength,
        certificatesLength: securityAt === null ? 0 : image.readUInt32LE(securityAt + 4),
        sections: readSections(image, optional + image.readUInt16LE(coff + 16), image.readUInt16LE(coff + 2)),
    };
}

/** In the order they have in the file; those without bytes in it left out. */
function readSections(image: Buffer, table: number, count: number): Layout['sections'] {
    return Array.from({ length: count }, (_, index) => {
        const header = table + index * sectionHeaderLength;
        const start = image.readUInt32LE(header + 20);
        const end = start + image.readUInt32LE(header + 16);
        requireFormat(start === end || end <= image.length, 'a PE section ends behind the image');
        return { start, end };
    })
        .filter(({ start, end }) => end > start)
        .sort((a, b) => a.start - b.start);
}
