import type { ProductLine } from './product';

/** Parts of a TCB version. The first boot loader, FMC, has a version of its own from Turin on. */
export const tcbParts = ['fmc', 'bootloader', 'tee', 'snp', 'microcode'] as const;
export type TcbPart = (typeof tcbParts)[number];

export type TcbVersion = Partial<Record<TcbPart, number>>;

const beforeTurin: Partial<Record<TcbPart, number>> = { bootloader: 0, tee: 1, snp: 6, microcode: 7 };

/** Which of the eight bytes holds which part. */
const tcbLayout: Record<ProductLine, Partial<Record<TcbPart, number>>> = {
    Milan: beforeTurin,
    Genoa: beforeTurin,
    Turin: { fmc: 0, bootloader: 1, tee: 2, snp: 3, microcode: 7 },
};

/** Number of a part's security patch level in AMD's certificates: 1.3.6.1.4.1.3704.1.3.N. */
export const patchLevelNumber: Record<TcbPart, number> = { bootloader: 1, tee: 2, snp: 3, microcode: 8, fmc: 9 };

/** What the key distribution service calls a part in its queries. */
export const patchLevelName: Record<TcbPart, string> = {
    fmc: 'fmcSPL',
    bootloader: 'blSPL',
    tee: 'teeSPL',
    snp: 'snpSPL',
    microcode: 'ucodeSPL',
};

export function partsOf(line: ProductLine): TcbPart[] {
    return tcbParts.filter((part) => tcbLayout[line][part] !== undefined);
}

/** Reads the eight bytes of a report's field. Bytes that no part of this product has are reserved. */
export function readTcb(bytes: Buffer, line: ProductLine): TcbVersion {
    return Object.fromEntries(partsOf(line).map((part) => [part, bytes[tcbLayout[line][part]!]!]));
}

export function writeTcb(tcb: TcbVersion, line: ProductLine): Buffer {
    const bytes = Buffer.alloc(8);
    for (const part of partsOf(line)) bytes[tcbLayout[line][part]!] = tcb[part] ?? 0;
    return bytes;
}

/** The first part that is below its floor; parts without a floor are good. */
export function partBelow(tcb: TcbVersion, floor: TcbVersion): TcbPart | undefined {
    return tcbParts.find((part) => floor[part] !== undefined && (tcb[part] ?? 0) < floor[part]);
}
