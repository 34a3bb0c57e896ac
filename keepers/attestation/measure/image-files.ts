import { createHash } from 'node:crypto';
import { closeSync, fstatSync, openSync, readdirSync, readFileSync, readSync } from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import { AttestationError } from '../errors';
import { readJson } from '../collateral/files';
import { parseEventLog, type EventLog } from './event-log';
import { maxFirmwareLength } from './tdvf';

/** What a TD is booted from, and the events of a recorded boot when there are any. */
export interface ImageFiles {
    firmware: Buffer;
    kernel: Buffer;
    initrd: { length: number; digest: Buffer };
    commandLine: string;
    eventLog: EventLog | null;
}

const mebibyte = 1024 * 1024;
const maxKernelLength = 256 * mebibyte;
/** QEMU places an initrd by 32-bit addresses. */
const maxInitrdLength = 4096 * mebibyte - 1;
/** QEMU and OVMF take more; Linux on x86 does not (COMMAND_LINE_SIZE). */
const maxCommandLineLength = 2048;
const maxTextLength = 16 * mebibyte;

const metadataFile = 'metadata.json';
const usualNames = {
    firmware: ['OVMF.fd', 'ovmf.fd', 'firmware.fd'],
    kernel: ['bzImage', 'vmlinuz', 'kernel'],
    initrd: ['initrd', 'initrd.img', 'initramfs.cpio.gz'],
    commandLine: ['cmdline', 'cmdline.txt'],
    eventLog: ['event-log.json'],
};

/** A name, never a path: an image folder is whole in itself. */
const plainName = z.string().regex(/^(?!\.\.?$)[^/\\]+$/);
/** The keys dstack gives its images; others are of no concern here. */
const imageMetadata = z.object({ bios: plainName, kernel: plainName, initrd: plainName, cmdline: z.string() });

export function readImageFiles(folder: string): ImageFiles {
    const names = listFolder(folder);
    const pick = (role: keyof typeof usualNames) => path.join(folder, pickName(folder, names, role));
    const metadata = names.includes(metadataFile)
        ? readJson(path.join(folder, metadataFile), imageMetadata, 'image metadata')
        : null;
    const named = (name: string | undefined, role: keyof typeof usualNames) =>
        name === undefined ? pick(role) : path.join(folder, name);
    return {
        firmware: readWhole(named(metadata?.bios, 'firmware'), maxFirmwareLength),
        kernel: readWhole(named(metadata?.kernel, 'kernel'), maxKernelLength),
        initrd: digestFile(named(metadata?.initrd, 'initrd')),
        commandLine: checkCommandLine(
            metadata?.cmdline ?? readWhole(pick('commandLine'), maxTextLength).toString('latin1'),
        ),
        eventLog: names.includes(usualNames.eventLog[0]!) ? readEventLog(pick('eventLog')) : null,
    };
}

/** Refuses an argument QEMU could not have been given as it is written. */
function checkCommandLine(text: string): string {
    // A text file ends in a line break that is no part of what it holds.
    const commandLine = text.replace(/\r?\n$/, '');
    if (!/^[\x20-\x7e]+$/.test(commandLine)) {
        throw unusable('the kernel command line is not one line of printable ASCII');
    }
    if (commandLine.length >= maxCommandLineLength) {
        throw unusable(`the kernel command line is longer than ${maxCommandLineLength - 1} characters`);
    }
    return commandLine;
}

function readEventLog(file: string): EventLog {
    try {
        return parseEventLog(readWhole(file, maxTextLength).toString('utf8'));
    } catch (error) {
        if (error instanceof AttestationError) throw error;
        throw unusable(`${file} is not an event log: an array of {"imr": 0 to 3, "digest": 96 hex digits}`, error);
    }
}

function listFolder(folder: string): string[] {
    try {
        return readdirSync(folder);
    } catch (error) {
        throw unusable(`${folder} is not a folder that can be read`, error);
    }
}

function pickName(folder: string, names: string[], role: keyof typeof usualNames): string {
    const found = usualNames[role].filter((name) => names.includes(name));
    if (found.length > 1) throw unusable(`${folder} holds ${found.join(' and ')}: which is measured?`);
    if (found.length === 0) throw unusable(`${folder} holds none of ${usualNames[role].join(', ')}`);
    return found[0]!;
}

function readWhole(file: string, maxLength: number): Buffer {
    return withFile(file, maxLength, (descriptor) => readFileSync(descriptor));
}

/** An initrd may be larger than any buffer, and only its digest is needed. */
function digestFile(file: string): ImageFiles['initrd'] {
    return withFile(file, maxInitrdLength, (descriptor) => {
        const hash = createHash('sha384');
        const chunk = Buffer.alloc(mebibyte);
        let length = 0;
        for (let read = 1; read > 0; length += read) {
            read = readSync(descriptor, chunk);
            hash.update(chunk.subarray(0, read));
        }
        return { length, digest: hash.digest() };
    });
}

function withFile<T>(file: string, maxLength: number, act: (descriptor: number) => T): T {
    let descriptor: number | undefined;
    try {
        descriptor = openSync(file, 'r');
        const stats = fstatSync(descriptor);
        if (!stats.isFile()) throw unusable(`${file} is not a file`);
        if (stats.size === 0) throw unusable(`${file} is empty`);
        if (stats.size > maxLength) throw unusable(`${file} is larger than ${maxLength} bytes`);
        return act(descriptor);
    } catch (error) {
        if (error instanceof AttestationError) throw error;
        throw unusable(`${file} cannot be read`, error);
    } finally {
        if (descriptor !== undefined) closeSync(descriptor);
    }
}

function unusable(message: string, cause?: unknown): AttestationError {
    return new AttestationError('file_unusable', message, cause);
}
