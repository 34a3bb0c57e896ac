import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

export interface SectionFields {
    data?: Buffer;
    address: number;
    memoryLength: number;
    type: number;
    attributes: number;
}

export interface FirmwareOptions {
    sections?: SectionFields[];
    version?: number;
    signature?: string;
    count?: number;
    /** Changes the finished image. */
    change?: (image: Buffer, at: { descriptor: number; table: number; footer: number }) => void;
}

/** Bytes that are different at every place, so that no offset can be confused with another. */
export function patternedBytes(length: number, seed: number): Buffer {
    const bytes = Buffer.alloc(length);
    for (let at = 0, state = seed; at < length; at++) {
        state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
        bytes[at] = state >>> 24;
    }
    return bytes;
}

/** Laid out like OVMF's: variables, code, temporary memory, hand-off blocks. */
export const ovmfLikeSections: SectionFields[] = [
    { data: patternedBytes(0x3000, 1), address: 0xffffd000, memoryLength: 0x3000, type: 0, attributes: 1 },
    { data: patternedBytes(0x1000, 2), address: 0xffffc000, memoryLength: 0x1000, type: 1, attributes: 0 },
    { address: 0x810000, memoryLength: 0x4000, type: 3, attributes: 0 },
    { address: 0x809000, memoryLength: 0x2000, type: 2, attributes: 0 },
    { address: 0x100000, memoryLength: 0x1000, type: 4, attributes: 2 },
];

/** Firmware image: data of the sections, metadata, table of GUIDs, reset vector. */
export function buildFirmware(options: FirmwareOptions = {}): Buffer {
    const sections = options.sections ?? ovmfLikeSections;
    const data = Buffer.concat(sections.map((section) => section.data ?? Buffer.alloc(0)));
    const metadata = buildMetadata(sections, options);
    const tail = tableAndVector(metadata.length);
    const image = Buffer.concat([data, metadata, tail]);
    const footer = image.length - 32;
    options.change?.(image, { descriptor: data.length, table: data.length + metadata.length, footer });
    return image;
}

function buildMetadata(sections: SectionFields[], { signature = 'TDVF', version = 1, count }: FirmwareOptions): Buffer {
    const descriptor = Buffer.alloc(16);
    descriptor.write(signature, 'latin1');
    descriptor.writeUInt32LE(16 + sections.length * 32, 4);
    descriptor.writeUInt32LE(version, 8);
    descriptor.writeUInt32LE(count ?? sections.length, 12);
    let offset = 0;
    const entries = sections.map(({ data, address, memoryLength, type, attributes }) => {
        const entry = Buffer.alloc(32);
        entry.writeUInt32LE(data === undefined ? 0 : offset, 0);
        entry.writeUInt32LE(data?.length ?? 0, 4);
        entry.writeBigUInt64LE(BigInt(address), 8);
        entry.writeBigUInt64LE(BigInt(memoryLength), 16);
        entry.writeUInt32LE(type, 24);
        entry.writeUInt32LE(attributes, 28);
        offset += data?.length ?? 0;
        return entry;
    });
    return Buffer.concat([descriptor, ...entries]);
}

/** Entries as in a real OVMF: the one for TDX is not the last one, so it must be looked for. */
function tableAndVector(metadataLength: number): Buffer {
    const other = tableEntry(Buffer.alloc(8, 0x5a), '1f3755723b3a044b927b1da6efa8d454');
    const tdxLength = 4 + 18;
    const footerLength = 18;
    const behind = metadataLength + tdxLength + other.length + footerLength + 32;
    const offset = Buffer.alloc(4);
    offset.writeUInt32LE(behind);
    const tdx = tableEntry(offset, '35657ae44a989847865e4685a7bf8ec2');
    const footer = Buffer.alloc(2);
    footer.writeUInt16LE(tdx.length + other.length + footerLength);
    const guid = Buffer.from('de82b596b21ff745baeaa366c55a082d', 'hex');
    return Buffer.concat([tdx, other, footer, guid, Buffer.alloc(32, 0x90)]);
}

function tableEntry(data: Buffer, guid: string): Buffer {
    const length = Buffer.alloc(2);
    length.writeUInt16LE(data.length + 18);
    return Buffer.concat([data, length, Buffer.from(guid, 'hex')]);
}

export interface PeOptions {
    plus?: boolean;
    directories?: number;
    certificates?: Buffer;
    trailing?: Buffer;
}

export const peParts = {
    headersLength: 0x400,
    first: patternedBytes(0x300, 3),
    second: patternedBytes(0x200, 4),
    checksumAt: 0x80 + 24 + 64,
};

/** PE image with the two sections of `peParts` (in the table in the wrong order), and one without bytes. */
export function buildPe({ plus = true, directories = 16, certificates, trailing }: PeOptions = {}): Buffer {
    const { headersLength, first, second, checksumAt } = peParts;
    const header = Buffer.alloc(headersLength, 0x11);
    const optional = 0x80 + 24;
    const directoryTable = optional + (plus ? 112 : 96);
    header.write('MZ', 0, 'latin1');
    header.writeUInt32LE(0x80, 0x3c);
    header.write('PE\0\0', 0x80, 'latin1');
    header.writeUInt16LE(3, 0x80 + 4 + 2);
    header.writeUInt16LE(directoryTable - optional + directories * 8, 0x80 + 4 + 16);
    header.writeUInt16LE(plus ? 0x20b : 0x10b, optional);
    header.writeUInt32LE(headersLength, optional + 60);
    header.writeUInt32LE(0xdeadbeef, checksumAt);
    header.writeUInt32LE(directories, directoryTable - 4);
    const body = Buffer.concat([first, second, trailing ?? Buffer.alloc(0)]);
    if (directories > 4) {
        header.writeUInt32LE(certificates === undefined ? 0 : headersLength + body.length, directoryTable + 32);
        header.writeUInt32LE(certificates?.length ?? 0, directoryTable + 36);
    }
    const table = directoryTable + directories * 8;
    const places = [
        [headersLength + first.length, second.length],
        [0x123, 0],
        [headersLength, first.length],
    ];
    places.forEach(([pointer, length], index) => {
        header.writeUInt32LE(length!, table + index * 40 + 16);
        header.writeUInt32LE(pointer!, table + index * 40 + 20);
    });
    return Buffer.concat([header, body, certificates ?? Buffer.alloc(0)]);
}

/** A PE image that is a Linux kernel too: boot protocol 2.15, 64-bit, initrd anywhere. */
export function buildKernel(version = '6.12.41-test'): Buffer {
    const kernel = buildPe({ trailing: patternedBytes(0x1000, 5) });
    kernel.write('HdrS', 0x202, 'latin1');
    kernel.writeUInt16LE(0x20f, 0x206);
    kernel.writeUInt16LE(0x300, 0x20e);
    kernel[0x211] = 1;
    kernel.writeUInt16LE(3, 0x236);
    kernel.write(`${version} (builder@test)\0`, 0x500, 'latin1');
    return kernel;
}

export const commandLine = 'console=ttyS0 root=/dev/vda ro';
export const initrd = patternedBytes(5000, 6);

export function writeFolder(files: Record<string, Buffer | string>): string {
    const folder = mkdtempSync(path.join(tmpdir(), 'measured-image-'));
    Object.entries(files).forEach(([name, content]) => writeFileSync(path.join(folder, name), content));
    return folder;
}

export function imageFiles(changes: Record<string, Buffer | string | undefined> = {}): Record<string, Buffer | string> {
    const files = {
        'OVMF.fd': buildFirmware(),
        bzImage: buildKernel(),
        initrd,
        cmdline: `${commandLine}\n`,
        ...changes,
    };
    return Object.fromEntries(Object.entries(files).filter((entry) => entry[1] !== undefined));
}
