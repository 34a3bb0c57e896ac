import { AttestationError } from '../errors';
import { imageIdOf } from '../image-id';
import { FormatError } from '../parse/format-error';
import { digestsOf, recordedRegister, type EventLog } from './event-log';
import { readImageFiles, type ImageFiles } from './image-files';
import { kernelVersionOf, patchKernelHeader } from './kernel-header';
import { mrtdOf, type MrtdOrder } from './mrtd';
import { registerLength, rtmr1Of, rtmr2Of, sha384, type InitrdArgument } from './rtmr';
import { parseTdvf, sectionType } from './tdvf';

/** Whether firmware is handed the kernel file as it is, or with QEMU's loader fields filled in. */
export const kernelHeaders = ['as-is', 'patched'] as const;
export type KernelHeader = (typeof kernelHeaders)[number];

export interface MeasureImageOptions {
    /** RTMR0 of a recorded boot, 96 hex digits. */
    rtmr0?: string;
    mrtdOrder?: MrtdOrder;
    kernelHeader?: KernelHeader;
    /** Of the TD; needed for a patched kernel, in which it decides where the initrd lies. */
    memoryBytes?: number;
    initrdArgument?: InitrdArgument;
}

/** Registers in hex. */
export interface ImageMeasurement {
    /** What a registry allows; null while a register is unknown or a recorded boot contradicts what is computed. */
    imageId: string | null;
    mrtd: string;
    rtmr0: string | null;
    rtmr1: string;
    rtmr2: string;
    rtmr3: string;
    notes: string[];
}

/** Exit code 1 when a recorded boot contradicts the files. */
export type MeasureImageResult = { measurement: ImageMeasurement; exitCode: 0 | 1 };

type Registers = Omit<ImageMeasurement, 'imageId' | 'notes'>;

/** The whole of `measure`: what a TD booted from the files of a folder reports, as far as files tell. */
export function measureImage(folder: string, options: MeasureImageOptions = {}): MeasureImageResult {
    const given = checkRegister(options.rtmr0);
    const files = readImageFiles(folder);
    const { eventLog } = files;
    const registers: Registers = {
        mrtd: computed('firmware', () => mrtdOf(files.firmware, options.mrtdOrder)),
        rtmr0: given ?? recorded(eventLog, 0),
        rtmr1: computed('kernel', () => rtmr1Of(loadedKernel(files, options))),
        rtmr2: rtmr2Of(files.commandLine, files.initrd.digest, options.initrdArgument).toString('hex'),
        rtmr3: recorded(eventLog, 3) ?? '00'.repeat(registerLength),
    };
    const contradictions = contradictionsOf(registers, files);
    const { rtmr0 } = registers;
    const imageId = rtmr0 === null || contradictions.length > 0 ? null : imageIdOf({ ...registers, rtmr0 });
    return {
        measurement: {
            imageId: imageId?.toString('hex') ?? null,
            ...registers,
            notes: [...contradictions, ...notesOf(registers, files)],
        },
        exitCode: contradictions.length > 0 ? 1 : 0,
    };
}

function loadedKernel({ kernel, initrd, commandLine }: ImageFiles, options: MeasureImageOptions): Buffer {
    const { kernelHeader, memoryBytes } = options;
    if (kernelHeader !== 'patched') return kernel;
    if (memoryBytes === undefined) {
        throw new AttestationError('file_unusable', 'a patched kernel depends on the memory of the TD: name it');
    }
    return patchKernelHeader(kernel, { initrdLength: initrd.length, memoryBytes, commandLine });
}

/** Turns what parsers throw at bytes that are not of their format into an error that names the file. */
function computed(what: string, compute: () => Buffer): string {
    try {
        return compute().toString('hex');
    } catch (error) {
        const reason = reasonOf(error);
        if (reason === null) throw error;
        throw new AttestationError('file_unusable', `the ${what} cannot be measured: ${reason}`, error);
    }
}

/** Null for what is no fault of the bytes. */
function reasonOf(error: unknown): string | null {
    if (error instanceof FormatError) return error.message;
    // What Node.js throws at reading behind the end of a buffer.
    return (error as NodeJS.ErrnoException).code === 'ERR_OUT_OF_RANGE' ? 'it ends too early' : null;
}

function recorded(log: EventLog | null, register: number): string | null {
    return log === null ? null : recordedRegister(log, register);
}

function checkRegister(hex: string | undefined): string | undefined {
    if (hex !== undefined && !/^[0-9a-fA-F]{96}$/.test(hex)) {
        throw new AttestationError('file_unusable', 'RTMR0 is 96 hex digits');
    }
    return hex?.toLowerCase();
}

const remedies = [
    'another RTMR0 was given',
    'another kernel, or see --kernel-header and --memory',
    'another command line or initrd, or see --initrd-argument',
];

function contradictionsOf(registers: Registers, { eventLog, firmware }: ImageFiles): string[] {
    if (eventLog === null) return [];
    const computedRegisters = [registers.rtmr0, registers.rtmr1, registers.rtmr2];
    const contradictions = computedRegisters.flatMap((register, index) => {
        const boot = recordedRegister(eventLog, index);
        return boot === null || boot === register
            ? []
            : [`the recorded boot has RTMR${index} ${boot}, not this one: ${remedies[index]}`];
    });
    const events = digestsOf(eventLog, 0);
    const volumes = configurationVolumes(firmware);
    if (events.length > 0 && !volumes.every((volume) => events.includes(volume))) {
        contradictions.push(
            'the recorded boot did not measure the configuration volume of this firmware: it is of another firmware',
        );
    }
    return contradictions;
}

/** Digests of the firmware's variable stores, which it measures into RTMR0 as they are. */
function configurationVolumes(firmware: Buffer): string[] {
    return parseTdvf(firmware)
        .filter(({ type, dataLength }) => type === sectionType.configurationVolume && dataLength > 0)
        .map(({ dataOffset, dataLength }) => sha384(firmware.subarray(dataOffset, dataOffset + dataLength)))
        .map((digest) => digest.toString('hex'));
}

function notesOf({ rtmr0 }: Registers, { eventLog, kernel }: ImageFiles): string[] {
    const notes: string[] = [];
    if (rtmr0 === null) {
        notes.push(
            "RTMR0 is unknown: it covers what the VMM builds for one machine (memory map, ACPI tables, boot variables), which no file of the image holds. Boot once, read it from the quote (cocoon inspect quote), give it as --rtmr0 HEX; or put the boot's events into event-log.json",
        );
    } else {
        notes.push('RTMR0 is that of a recorded boot: it holds for that machine shape and VMM version alone');
    }
    if (eventLog === null || recordedRegister(eventLog, 3) === null) {
        notes.push('RTMR3 is zero: right for an image that extends nothing into it at run time');
    } else {
        notes.push('RTMR3 is that of the recorded boot: look whether its events are the same for every node');
    }
    const version = kernelVersionOf(kernel);
    if (version === null || isOlder(version)) {
        notes.push(
            `RTMR2 takes a kernel whose EFI stub measures command line and initrd, as Linux does since 6.9: this is ${version ?? 'no Linux kernel'}`,
        );
    }
    return notes;
}

function isOlder(version: string): boolean {
    const [major, minor] = version.split('.').map((part) => Number.parseInt(part, 10));
    return major! < 6 || (major === 6 && minor! < 9);
}
