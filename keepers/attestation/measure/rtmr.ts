import { createHash } from 'node:crypto';
import { authenticodeDigest } from './authenticode';

export const registerLength = 48;

/** Where firmware puts `initrd=initrd`: last up to edk2-stable202505, first since edk2-stable202508. */
export const initrdArguments = ['first', 'last'] as const;
export type InitrdArgument = (typeof initrdArguments)[number];

/** What OVMF measures after the kernel it boots directly, in this order. */
const bootEvents = [
    'Calling EFI Application from Boot Option',
    '\0\0\0\0',
    'Exit Boot Services Invocation',
    'Exit Boot Services Returned with Success',
];

/** A run-time register after these events: each extends it to SHA-384(register | digest). */
export function replay(digests: Buffer[]): Buffer {
    return digests.reduce((register, digest) => sha384(register, digest), Buffer.alloc(registerLength));
}

/** RTMR1: the kernel, and that firmware gave itself up for it. */
export function rtmr1Of(kernel: Buffer): Buffer {
    return replay([authenticodeDigest(kernel), ...bootEvents.map((event) => sha384(Buffer.from(event, 'latin1')))]);
}

/** RTMR2, extended by the kernel's EFI stub: the command line it was given, then the initrd. */
export function rtmr2Of(commandLine: string, initrdDigest: Buffer, initrdArgument: InitrdArgument = 'first'): Buffer {
    const options = initrdArgument === 'first' ? `initrd=initrd ${commandLine}` : `${commandLine} initrd=initrd`;
    return replay([sha384(Buffer.from(`${options}\0`, 'utf16le')), initrdDigest]);
}

export function sha384(...parts: Buffer[]): Buffer {
    return parts.reduce((hash, part) => hash.update(part), createHash('sha384')).digest();
}
