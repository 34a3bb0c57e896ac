import { createHash } from 'node:crypto';
import { authenticodeDigest } from '../../../../keepers/attestation/measure/authenticode';
import { buildPe, patternedBytes, peParts, type PeOptions } from './synthetic-image';

/** Straight from the layout that buildPe makes: the parts that count, put together by hand. */
function expectedDigest(image: Buffer, options: PeOptions): string {
    const { plus = true, directories = 16, trailing } = options;
    const { headersLength, first, second, checksumAt } = peParts;
    const securityAt = 0x80 + 24 + (plus ? 112 : 96) + 32;
    const header = [...image.subarray(0, headersLength)];
    if (directories > 4) header.splice(securityAt, 8);
    header.splice(checksumAt, 4);
    const parts = [Buffer.from(header), first, second, trailing ?? Buffer.alloc(0)];
    return createHash('sha384').update(Buffer.concat(parts)).digest('hex');
}

describe('Authenticode digest', () => {
    const shapes: [string, PeOptions][] = [
        ['PE32+', {}],
        ['PE32', { plus: false }],
        ['an image with signatures', { certificates: patternedBytes(64, 8) }],
        ['an image with bytes behind its sections', { trailing: patternedBytes(77, 9) }],
        ['both', { certificates: patternedBytes(64, 8), trailing: patternedBytes(77, 9) }],
        ['an image with too few directories for signatures', { directories: 4, trailing: patternedBytes(5, 9) }],
    ];
    it.each(shapes)('of %s', (_, options) => {
        const image = buildPe(options);
        expect(authenticodeDigest(image).toString('hex')).toBe(expectedDigest(image, options));
    });

    it('leaves out checksum, pointer to the signatures and signatures, and nothing else', () => {
        const image = buildPe({ certificates: patternedBytes(64, 8) });
        const securityAt = 0x80 + 24 + 112 + 32;
        const left = new Set([
            ...Array.from({ length: 4 }, (_, index) => peParts.checksumAt + index),
            // Its length decides what is hashed; its address is of no concern.
            ...Array.from({ length: 4 }, (_, index) => securityAt + index),
            ...Array.from({ length: 64 }, (_, index) => image.length - 64 + index),
        ]);
        const digest = authenticodeDigest(image);
        for (let at = 0x400; at < image.length; at += 7) {
            const changed = Buffer.from(image);
            changed[at]! ^= 0x80;
            expect([at, authenticodeDigest(changed).equals(digest)]).toEqual([at, left.has(at)]);
        }
        for (const at of [
            2,
            0x7f,
            peParts.checksumAt - 5,
            peParts.checksumAt,
            peParts.checksumAt + 4,
            securityAt,
            0x3ff,
        ]) {
            const changed = Buffer.from(image);
            changed[at]! ^= 0x80;
            expect([at, authenticodeDigest(changed).equals(digest)]).toEqual([at, left.has(at)]);
        }
    });

    it('can be made by the algorithm signers use', () => {
        const image = buildPe();
        expect(authenticodeDigest(image, 'sha256')).toHaveLength(32);
        expect(authenticodeDigest(image)).toHaveLength(48);
    });

    const optional = 0x80 + 24;
    const changed = (change: (image: Buffer) => void) => {
        const image = buildPe();
        change(image);
        return image;
    };
    const refused: [string, RegExp, Buffer][] = [
        ['no bytes', /no MZ/, Buffer.alloc(0)],
        ['another format', /no MZ/, Buffer.alloc(4096, 0x7f)],
        ['no PE signature', /no PE signature/, changed((image) => image.writeUInt32LE(0x90, 0x3c))],
        [
            'an unknown optional header',
            /unknown optional header/,
            changed((image) => image.writeUInt16LE(0x107, optional)),
        ],
        ['headers longer than the image', /headers/, changed((image) => image.writeUInt32LE(0x100000, optional + 60))],
        [
            'headers that end in the directories',
            /headers/,
            changed((image) => image.writeUInt32LE(optional + 150, optional + 60)),
        ],
        [
            'a section behind the image',
            /ends behind the image/,
            changed((image) => image.writeUInt32LE(0x100000, optional + 112 + 128 + 16)),
        ],
        [
            'signatures longer than the rest',
            /signatures/,
            Buffer.concat([changed((image) => image.writeUInt32LE(100, optional + 112 + 36)), Buffer.alloc(10)]),
        ],
    ];
    it.each(refused)('refuses %s', (_, message, image) => {
        expect(() => authenticodeDigest(image)).toThrow(message);
    });

    it.each([70, 0x90, 0xa0, 0x120, 0x200])('refuses an image cut off after %i bytes', (length) => {
        expect(() => authenticodeDigest(buildPe().subarray(0, length))).toThrow();
    });
});
