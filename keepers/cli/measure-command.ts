import { Option, type Command } from 'commander';
import {
    kernelHeaders,
    measureImage,
    type ImageMeasurement,
    type KernelHeader,
} from '../attestation/measure/measure-image';
import { mrtdOrders, type MrtdOrder } from '../attestation/measure/mrtd';
import { initrdArguments, type InitrdArgument } from '../attestation/measure/rtmr';
import { parseMemory } from '../attestation/measure/memory-size';

interface MeasureCommandOptions {
    rtmr0?: string;
    mrtdOrder: MrtdOrder;
    kernelHeader: KernelHeader;
    memory?: number;
    initrdArgument: InitrdArgument;
    json?: boolean;
}

/** What `allow-image` needs, from the files of an image. Exit code 1 when a recorded boot contradicts them. */
export function addMeasureCommand(program: Command): void {
    program
        .command('measure')
        .description('measurements and id of a TDX image, from its firmware, kernel, initrd and command line')
        .argument(
            '<image-dir>',
            'folder with OVMF.fd, bzImage, initrd and cmdline, or the metadata.json that names them',
        )
        .option('--rtmr0 <hex>', 'RTMR0 of a recorded boot, which no file tells')
        .addOption(choice('--mrtd-order <order>', 'how the VMM adds and measures pages', mrtdOrders))
        .addOption(choice('--kernel-header <form>', 'how QEMU hands it over (as-is since 10.2)', kernelHeaders))
        .option('--memory <size>', 'of the TD, such as 16G; only for a patched kernel', parseMemory)
        .addOption(
            choice('--initrd-argument <place>', 'where OVMF puts initrd=initrd (last before 2025.08)', initrdArguments),
        )
        .option('--json', 'print one JSON object on standard output and nothing else')
        .action((folder: string, { json, memory, ...options }: MeasureCommandOptions) => {
            const { measurement, exitCode } = measureImage(folder, { ...options, memoryBytes: memory });
            console.log(json ? JSON.stringify(measurement) : describe(measurement));
            if (exitCode !== 0) process.exitCode = exitCode;
        });
}

function choice(flags: string, description: string, values: readonly string[]): Option {
    return new Option(flags, description).choices(values).default(values[0]);
}

function describe({ imageId, notes, ...registers }: ImageMeasurement): string {
    return [
        `image id  ${imageId ?? 'unknown'}`,
        ...Object.entries(registers).map(([name, value]) => `${name.padEnd(8)}  ${value ?? 'unknown'}`),
        ...notes.map((note) => `note: ${note}`),
    ].join('\n');
}
