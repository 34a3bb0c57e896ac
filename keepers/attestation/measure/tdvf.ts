import { requireFormat } from '../parse/format-error';

/** One part of the firmware's memory, as its TDVF metadata tells the VMM to build it. */
export interface TdvfSection {
    dataOffset: number;
    dataLength: number;
    /** Guest-physical; firmware lies just below 4 GiB, so a number holds it exactly. */
    address: number;
    memoryLength: number;
    type: number;
    attributes: number;
}

export const sectionType = { bootVolume: 0, configurationVolume: 1, handOffBlocks: 2, temporaryMemory: 3 } as const;
export const sectionAttribute = { measured: 1, addedLater: 2 } as const;
export const pageLength = 0x1000;

/** Real firmware is 2 to 16 MiB and asks for less than 32 MiB of memory. */
export const maxFirmwareLength = 64 * 1024 * 1024;
const maxPages = 65_536;
const maxSections = 64;

const tableFooter = 'de82b596b21ff745baeaa366c55a082d';
const metadataOffset = '35657ae44a989847865e4685a7bf8ec2';
/** Behind the table of GUIDs is the reset vector. */
const resetVectorLength = 32;
/** Every entry of the table ends in its length (2 bytes) and its GUID (16); the length counts these 18. */
const entryTail = 18;
const sectionLength = 32;
const descriptorLength = 16;

/** The sections that the VMM adds to the TD, in order (TDVF design guide, chapter 11). */
export function parseTdvf(firmware: Buffer): TdvfSection[] {
    requireFormat(firmware.length <= maxFirmwareLength, 'the firmware is larger than 64 MiB');
    const start = descriptorOffset(firmware);
    requireFormat(firmware.toString('latin1', start, start + 4) === 'TDVF', 'no TDVF signature at the metadata');
    requireFormat(firmware.readUInt32LE(start + 8) === 1, 'the TDVF metadata is not of version 1');
    const count = firmware.readUInt32LE(start + 12);
    requireFormat(count > 0 && count <= maxSections, 'the number of TDVF sections is out of bounds');
    const sections = Array.from({ length: count }, (_, index) =>
        readSection(firmware, start + descriptorLength + index * sectionLength),
    );
    const pages = sections.reduce((sum, { memoryLength }) => sum + memoryLength / pageLength, 0);
    requireFormat(pages <= maxPages, 'the TDVF sections ask for more than 256 MiB');
    return sections;
}

function readSection(firmware: Buffer, at: number): TdvfSection {
    const section = {
        dataOffset: firmware.readUInt32LE(at),
        dataLength: firmware.readUInt32LE(at + 4),
        address: Number(firmware.readBigUInt64LE(at + 8)),
        memoryLength: Number(firmware.readBigUInt64LE(at + 16)),
        type: firmware.readUInt32LE(at + 24),
        attributes: firmware.readUInt32LE(at + 28),
    };
    const { dataOffset, dataLength, address, memoryLength, attributes } = section;
    requireFormat(Number.isSafeInteger(address + memoryLength), 'a TDVF section is beyond any memory');
    requireFormat(address % pageLength === 0 && memoryLength % pageLength === 0, 'a TDVF section is not whole pages');
    requireFormat(dataLength <= memoryLength, 'a TDVF section holds more data than memory');
    requireFormat(
        dataOffset + dataLength <= firmware.length,
        'a TDVF section ends behind the firmware: give the whole image, code and variables in one file',
    );
    // VMMs disagree on what lies behind the data, so such firmware has no one measurement.
    const measured = (attributes & sectionAttribute.measured) !== 0;
    requireFormat(!measured || dataLength === memoryLength, 'a measured TDVF section is not filled by the firmware');
    return section;
}

/** Found from the end: the table of GUIDs names how far from the end of the firmware the metadata is. */
function descriptorOffset(firmware: Buffer): number {
    const entry = findTableEntry(firmware, metadataOffset);
    requireFormat(entry.length === 4, 'the entry for TDX metadata is not one offset');
    const fromEnd = entry.readUInt32LE(0);
    requireFormat(
        fromEnd <= firmware.length && fromEnd >= descriptorLength,
        'the TDX metadata is outside the firmware',
    );
    return firmware.length - fromEnd;
}

/** Entries lie back to back before the footer, each followed by its length and name: read backwards. */
function findTableEntry(firmware: Buffer, guid: string): Buffer {
    const footerEnd = firmware.length - resetVectorLength;
    requireFormat(footerEnd >= entryTail && guidBefore(firmware, footerEnd) === tableFooter, 'no OVMF table of GUIDs');
    let end = footerEnd - entryTail;
    const start = footerEnd - firmware.readUInt16LE(end);
    requireFormat(start >= 0 && start <= end, 'the OVMF table of GUIDs has an impossible length');
    while (end - start >= entryTail) {
        const length = firmware.readUInt16LE(end - entryTail);
        requireFormat(
            length >= entryTail && length <= end - start,
            'an entry of the OVMF table is of impossible length',
        );
        if (guidBefore(firmware, end) === guid) {
            return firmware.subarray(end - length, end - entryTail);
        }
        end -= length;
    }
    requireFormat(false, 'the firmware has no TDX metadata: it is not built for TDX');
}

function guidBefore(bytes: Buffer, end: number): string {
    return bytes.toString('hex', end - 16, end);
}
