import { requireFormat } from '../parse/format-error';

/** Fields of a bzImage's setup header (Linux, Documentation/arch/x86/boot.rst). */
const field = {
    magic: 0x202,
    protocol: 0x206,
    versionPointer: 0x20e,
    loaderType: 0x210,
    loadFlags: 0x211,
    initrdAddress: 0x218,
    initrdLength: 0x21c,
    heapEnd: 0x224,
    commandLineAddress: 0x228,
    initrdMax: 0x22c,
    extendedLoadFlags: 0x236,
} as const;

const loadedHigh = 1;
const canUseHeap = 0x80;
const initrdAbove4G = 2;
const setupAddress = 0x10000;
const commandLineAddress = 0x20000;
/** Kept free below the end of low memory for ACPI tables (QEMU, pc machines). */
const acpiLength = 0x28000;

export interface QemuLoad {
    initrdLength: number;
    memoryBytes: number;
    commandLine: string;
}

/**
 * The kernel as older QEMU hands it to firmware: with loader fields filled in (x86_load_linux). Since 10.2 QEMU leaves it
 * as it is for every confidential VM; 10.0 and 10.1 offer both, and firmware since edk2-stable202505 takes the file.
 */
export function patchKernelHeader(kernel: Buffer, { initrdLength, memoryBytes, commandLine }: QemuLoad): Buffer {
    requireBzImage(kernel);
    requireFormat(!commandLine.includes('vga='), 'a vga= argument changes the patched kernel: record a boot instead');
    const end = Math.min(initrdMaxOf(kernel), lowMemoryBytes(memoryBytes) - acpiLength - 1);
    requireFormat(initrdLength < end, 'the initrd does not fit into the memory given');
    const patched = Buffer.from(kernel);
    patched.writeUInt32LE(commandLineAddress, field.commandLineAddress);
    patched[field.loaderType] = 0xb0;
    patched[field.loadFlags]! |= canUseHeap;
    patched.writeUInt16LE(commandLineAddress - setupAddress - 0x200, field.heapEnd);
    patched.writeUInt32LE(Math.floor((end - initrdLength) / 4096) * 4096, field.initrdAddress);
    patched.writeUInt32LE(initrdLength, field.initrdLength);
    return patched;
}

/** Such as `6.12.41-amd64`, or null for a PE image that is no Linux kernel. */
export function kernelVersionOf(kernel: Buffer): string | null {
    if (kernel.length < 0x400 || kernel.toString('latin1', field.magic, field.magic + 4) !== 'HdrS') return null;
    const start = kernel.readUInt16LE(field.versionPointer) + 0x200;
    return /^\d+\.\d+[^\s\0]*/.exec(kernel.toString('latin1', start, start + 64))?.[0] ?? null;
}

function requireBzImage(kernel: Buffer): void {
    const isLinux = kernel.length >= 0x1000 && kernel.toString('latin1', field.magic, field.magic + 4) === 'HdrS';
    requireFormat(isLinux, 'not a Linux kernel: QEMU patches no other image');
    const modern = kernel.readUInt16LE(field.protocol) >= 0x203 && (kernel[field.loadFlags]! & loadedHigh) !== 0;
    requireFormat(modern, 'the kernel is of a boot protocol too old to be measured');
}

/** Highest address the initrd may end at. */
function initrdMaxOf(kernel: Buffer): number {
    const above4G =
        kernel.readUInt16LE(field.protocol) >= 0x20c &&
        (kernel.readUInt16LE(field.extendedLoadFlags) & initrdAbove4G) !== 0;
    return above4G ? 0xffffffff : kernel.readUInt32LE(field.initrdMax);
}

/** Memory below 4 GiB of a q35 machine. */
function lowMemoryBytes(memoryBytes: number): number {
    const limit = memoryBytes >= 0xb0000000 ? 0x80000000 : 0xb0000000;
    return Math.min(memoryBytes, limit);
}
