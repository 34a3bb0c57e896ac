import { createHash, type Hash } from 'node:crypto';
import { pageLength, parseTdvf, sectionAttribute, type TdvfSection } from './tdvf';

/**
 * - `single-pass`: each page is measured as soon as it is added (KVM upstream, QEMU 9 and later)
 * - `two-pass`: all pages of a section are added, then all are measured (the out-of-tree QEMU 8)
 */
export const mrtdOrders = ['single-pass', 'two-pass'] as const;
export type MrtdOrder = (typeof mrtdOrders)[number];

const chunkLength = 256;

/**
 * What the TDX module hashes while the VMM builds the TD: a 128-byte block for each page added, and for each 256 bytes
 * measured another such block and the bytes themselves (TDX module: TDH.MEM.PAGE.ADD, TDH.MR.EXTEND).
 */
export function mrtdOf(firmware: Buffer, order: MrtdOrder = 'single-pass'): Buffer {
    const hash = createHash('sha384');
    for (const section of parseTdvf(firmware)) {
        const steps = [addPage, measurePage].map((step) => (page: number) => step(hash, section, { page, firmware }));
        if (order === 'two-pass') {
            steps.forEach((step) => forEachPage(section, step));
        } else {
            forEachPage(section, (page) => steps.forEach((step) => step(page)));
        }
    }
    return hash.digest();
}

function forEachPage({ memoryLength }: TdvfSection, act: (page: number) => void): void {
    for (let page = 0; page < memoryLength / pageLength; page++) {
        act(page);
    }
}

interface Page {
    page: number;
    firmware: Buffer;
}

function addPage(hash: Hash, { address, attributes }: TdvfSection, { page }: Page): void {
    if ((attributes & sectionAttribute.addedLater) === 0) {
        hash.update(operation('MEM.PAGE.ADD', address + page * pageLength));
    }
}

function measurePage(hash: Hash, { address, attributes, dataOffset }: TdvfSection, { page, firmware }: Page): void {
    if ((attributes & sectionAttribute.measured) === 0) return;
    for (let at = page * pageLength; at < (page + 1) * pageLength; at += chunkLength) {
        hash.update(operation('MR.EXTEND', address + at));
        hash.update(firmware.subarray(dataOffset + at, dataOffset + at + chunkLength));
    }
}

function operation(name: string, address: number): Buffer {
    const block = Buffer.alloc(128);
    block.write(name, 'latin1');
    block.writeBigUInt64LE(BigInt(address), 16);
    return block;
}
