import { createHash } from 'node:crypto';
import { mrtdOf } from '../../../../keepers/attestation/measure/mrtd';
import { parseTdvf } from '../../../../keepers/attestation/measure/tdvf';
import { buildFirmware, ovmfLikeSections, patternedBytes, type SectionFields } from './synthetic-image';

const sha384 = (bytes: Buffer) => createHash('sha384').update(bytes).digest('hex');

/** The measured text of a TD build, written out whole and from the sections themselves, never from an image. */
function buildLog(sections: SectionFields[], twoPass: boolean): Buffer {
    const record = (name: string, address: number) => {
        const hex = BigInt(address).toString(16).padStart(16, '0').match(/../g)!.reverse().join('');
        return Buffer.from(Buffer.from(name.padEnd(16, '\0')).toString('hex') + hex + '00'.repeat(104), 'hex');
    };
    const texts = sections.map(({ data, address, memoryLength, attributes }) => {
        const pages = Array.from({ length: memoryLength / 4096 }, (_, index) => address + 4096 * index);
        const added = pages.map((page) => ((attributes & 2) === 0 ? [record('MEM.PAGE.ADD', page)] : []));
        const measured = pages.map((page) =>
            (attributes & 1) === 0
                ? []
                : Array.from({ length: 16 }, (_, chunk) => page + 256 * chunk).flatMap((chunk) => [
                      record('MR.EXTEND', chunk),
                      data!.subarray(chunk - address, chunk - address + 256),
                  ]),
        );
        return twoPass ? [...added.flat(), ...measured.flat()] : added.flatMap((add, at) => [...add, ...measured[at]!]);
    });
    return Buffer.concat(texts.flat());
}

describe('MRTD', () => {
    it.each([
        ['single-pass', false],
        ['two-pass', true],
    ] as const)('is the digest of the build log, %s', (order, twoPass) => {
        expect(mrtdOf(buildFirmware(), order).toString('hex')).toBe(sha384(buildLog(ovmfLikeSections, twoPass)));
    });

    it('adds and measures page by page unless told otherwise', () => {
        const firmware = buildFirmware();
        expect(mrtdOf(firmware)).toEqual(mrtdOf(firmware, 'single-pass'));
        expect(mrtdOf(firmware)).not.toEqual(mrtdOf(firmware, 'two-pass'));
    });

    it('of one page added and not measured is one block of 128 bytes, computed by another program', () => {
        const firmware = buildFirmware({
            sections: [{ address: 0x809000, memoryLength: 0x1000, type: 2, attributes: 0 }],
        });
        expect(mrtdOf(firmware).toString('hex')).toBe(
            '0b6424097f507e0b0c0f5a56471be9029f6afc38b5ee1bc60ff96dd5c8c3b0be44f50e0a2caeffac60497ee4fe16224e',
        );
    });

    it('of one page of zeros measured at 4 GiB less a page, computed by another program', () => {
        const firmware = buildFirmware({
            sections: [{ data: Buffer.alloc(4096), address: 0xfffff000, memoryLength: 0x1000, type: 0, attributes: 1 }],
        });
        expect(mrtdOf(firmware).toString('hex')).toBe(
            '07f08f558c5e2593b33452cf00c12a165c07b027a36424ecfa15ebf39b5415e0ed62418458e4bfd77f16fec0f1568dc9',
        );
    });

    it('of pages that are all accepted later is the digest of nothing', () => {
        const sections = [{ address: 0, memoryLength: 0x4000, type: 4, attributes: 2 }];
        expect(mrtdOf(buildFirmware({ sections })).toString('hex')).toBe(sha384(Buffer.alloc(0)));
    });

    it('changes with every measured byte, and not with variables that are not measured', () => {
        const firmware = buildFirmware();
        const changed = (at: number) => {
            const copy = Buffer.from(firmware);
            copy[at]! ^= 1;
            return mrtdOf(copy);
        };
        for (const at of [0, 255, 256, 0x1fff, 0x2fff]) expect(changed(at)).not.toEqual(mrtdOf(firmware));
        expect(changed(0x3000)).toEqual(mrtdOf(firmware));
    });
});

describe('TDVF metadata', () => {
    it('is read through the table of GUIDs', () => {
        expect(parseTdvf(buildFirmware())).toEqual([
            { dataOffset: 0, dataLength: 0x3000, address: 0xffffd000, memoryLength: 0x3000, type: 0, attributes: 1 },
            {
                dataOffset: 0x3000,
                dataLength: 0x1000,
                address: 0xffffc000,
                memoryLength: 0x1000,
                type: 1,
                attributes: 0,
            },
            { dataOffset: 0, dataLength: 0, address: 0x810000, memoryLength: 0x4000, type: 3, attributes: 0 },
            { dataOffset: 0, dataLength: 0, address: 0x809000, memoryLength: 0x2000, type: 2, attributes: 0 },
            { dataOffset: 0, dataLength: 0, address: 0x100000, memoryLength: 0x1000, type: 4, attributes: 2 },
        ]);
    });

    const one: SectionFields = {
        data: patternedBytes(0x1000, 7),
        address: 0x1000,
        memoryLength: 0x1000,
        type: 0,
        attributes: 1,
    };
    const refused: [string, RegExp, () => Buffer][] = [
        ['no bytes', /table of GUIDs/, () => Buffer.alloc(0)],
        ['too few bytes', /table of GUIDs/, () => Buffer.alloc(40)],
        ['no table', /table of GUIDs/, () => Buffer.alloc(4096)],
        ['more than 64 MiB', /larger than 64 MiB/, () => Buffer.alloc(64 * 1024 * 1024 + 1)],
        [
            'a table longer than the image',
            /impossible length/,
            () =>
                buildFirmware({ sections: [], change: (image, { footer }) => image.writeUInt16LE(65535, footer - 18) }),
        ],
        [
            'a table shorter than its footer',
            /impossible length/,
            () => buildFirmware({ change: (image, { footer }) => image.writeUInt16LE(17, footer - 18) }),
        ],
        [
            'a table without TDX metadata',
            /not built for TDX/,
            () => buildFirmware({ change: (image, { table }) => image.writeUInt8(0, table + 6) }),
        ],
        [
            'an entry of length zero',
            /impossible length/,
            () => buildFirmware({ change: (image, { footer }) => image.writeUInt16LE(0, footer - 36) }),
        ],
        [
            'an offset with more than four bytes',
            /not one offset/,
            () =>
                buildFirmware({
                    change: (image, { table, footer }) => {
                        image.writeUInt16LE(23, table + 4);
                        image.writeUInt16LE(image.readUInt16LE(footer - 18) + 1, footer - 18);
                    },
                }),
        ],
        [
            'metadata before the image',
            /outside the firmware/,
            () => buildFirmware({ change: (image, { table }) => image.writeUInt32LE(image.length + 1, table) }),
        ],
        [
            'metadata behind the image',
            /outside the firmware/,
            () => buildFirmware({ change: (image, { table }) => image.writeUInt32LE(15, table) }),
        ],
        ['another signature', /TDVF signature/, () => buildFirmware({ signature: '_ASF' })],
        ['another version', /version 1/, () => buildFirmware({ version: 2 })],
        ['no sections', /number of TDVF sections/, () => buildFirmware({ sections: [] })],
        ['too many sections', /number of TDVF sections/, () => buildFirmware({ count: 65 })],
        ['a section at half a page', /whole pages/, () => buildFirmware({ sections: [{ ...one, address: 0x800 }] })],
        [
            'half a page of memory',
            /whole pages/,
            () => buildFirmware({ sections: [{ ...one, attributes: 0, memoryLength: 0x1800 }] }),
        ],
        [
            'more data than memory',
            /more data than memory/,
            () => buildFirmware({ sections: [{ ...one, memoryLength: 0 }] }),
        ],
        [
            'data behind the image',
            /behind the firmware/,
            () =>
                buildFirmware({
                    sections: [one],
                    change: (image, { descriptor }) => image.writeUInt32LE(0x10000, descriptor + 16),
                }),
        ],
        [
            'measured memory without data',
            /not filled by the firmware/,
            () => buildFirmware({ sections: [{ ...one, memoryLength: 0x2000 }] }),
        ],
        [
            'memory without end',
            /256 MiB/,
            () => buildFirmware({ sections: [{ address: 0, memoryLength: 2 ** 40, type: 3, attributes: 0 }] }),
        ],
        [
            'memory beyond any address',
            /beyond any memory/,
            () => buildFirmware({ sections: [{ address: 2 ** 60, memoryLength: 4096, type: 3, attributes: 0 }] }),
        ],
    ];

    it.each(refused)('refuses %s', (_, message, build) => {
        expect(() => parseTdvf(build())).toThrow(message);
    });

    it('refuses metadata cut off by the end of the image', () => {
        const cut = buildFirmware({
            change: (image, { descriptor, table }) => {
                image.copy(image, image.length - 16, descriptor, descriptor + 16);
                image.writeUInt32LE(16, table);
            },
        });
        expect(() => parseTdvf(cut)).toThrow(/out of range/);
    });
});
