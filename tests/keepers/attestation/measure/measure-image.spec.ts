import { createHash } from 'node:crypto';
import { mkdirSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { Command } from 'commander';
import { imageIdOf } from '../../../../keepers/attestation';
import { measureImage } from '../../../../keepers/attestation/measure/measure-image';
import { mrtdOf } from '../../../../keepers/attestation/measure/mrtd';
import { replay, rtmr1Of, rtmr2Of } from '../../../../keepers/attestation/measure/rtmr';
import { patchKernelHeader } from '../../../../keepers/attestation/measure/kernel-header';
import { addMeasureCommand } from '../../../../keepers/cli/measure-command';
import { buildFirmware, buildKernel, buildPe, commandLine, imageFiles, initrd, writeFolder } from './synthetic-image';

const folders: string[] = [];
afterAll(() => folders.forEach((folder) => rmSync(folder, { recursive: true })));

function image(changes: Record<string, Buffer | string | undefined> = {}): string {
    const folder = writeFolder(imageFiles(changes));
    folders.push(folder);
    return folder;
}

const sha384 = (bytes: Buffer) => createHash('sha384').update(bytes).digest();
const zeros = '00'.repeat(48);
const rtmr0 = 'ab'.repeat(48);
const computed = {
    mrtd: mrtdOf(buildFirmware()).toString('hex'),
    rtmr1: rtmr1Of(buildKernel()).toString('hex'),
    rtmr2: rtmr2Of(commandLine, sha384(initrd)).toString('hex'),
    rtmr3: zeros,
};
const unusable = (message: RegExp) =>
    expect.objectContaining({
        code: 'file_unusable',
        action: 'fix',
        message: expect.stringMatching(message) as string,
    }) as Error;

describe('an image without a recorded boot', () => {
    it('has all registers but RTMR0, and no id', () => {
        const { measurement, exitCode } = measureImage(image());
        expect(measurement).toEqual({ imageId: null, ...computed, rtmr0: null, notes: expect.any(Array) as string[] });
        expect(measurement.notes).toEqual([
            expect.stringMatching(/RTMR0 is unknown.*--rtmr0/),
            expect.stringMatching(/RTMR3 is zero/),
        ]);
        expect(exitCode).toBe(0);
    });

    it('has an id once RTMR0 is given', () => {
        const { measurement } = measureImage(image(), { rtmr0: rtmr0.toUpperCase() });
        expect(measurement).toMatchObject({ ...computed, rtmr0 });
        expect(measurement.imageId).toBe(imageIdOf({ ...computed, rtmr0 }).toString('hex'));
    });

    it('is measured as its VMM and firmware do', () => {
        const memoryBytes = 8 * 1024 ** 3;
        const { measurement } = measureImage(image(), {
            mrtdOrder: 'two-pass',
            kernelHeader: 'patched',
            memoryBytes,
            initrdArgument: 'last',
        });
        const kernel = patchKernelHeader(buildKernel(), { initrdLength: initrd.length, memoryBytes, commandLine });
        expect(measurement).toMatchObject({
            mrtd: mrtdOf(buildFirmware(), 'two-pass').toString('hex'),
            rtmr1: rtmr1Of(kernel).toString('hex'),
            rtmr2: rtmr2Of(commandLine, sha384(initrd), 'last').toString('hex'),
        });
    });

    it('may have its files named by metadata, as dstack does', () => {
        const metadata = { bios: 'fw.bin', kernel: 'linux', initrd: 'disk.gz', cmdline: commandLine, version: '0.5' };
        const folder = image({
            'OVMF.fd': undefined,
            bzImage: undefined,
            initrd: undefined,
            cmdline: undefined,
            'fw.bin': buildFirmware(),
            linux: buildKernel(),
            'disk.gz': initrd,
            'metadata.json': JSON.stringify(metadata),
        });
        expect(measureImage(folder).measurement).toMatchObject(computed);
    });

    it.each([
        ['6.8.0-test', /since 6\.9.*6\.8\.0-test/],
        ['5.15.1', /since 6\.9.*5\.15\.1/],
    ])('is told of a kernel that measures no command line: %s', (version, note) => {
        const { notes } = measureImage(image({ bzImage: buildKernel(version) })).measurement;
        expect(notes).toContainEqual(expect.stringMatching(note));
    });

    it('is told of a kernel that is not Linux', () => {
        const { notes } = measureImage(image({ bzImage: buildPe() })).measurement;
        expect(notes).toContainEqual(expect.stringMatching(/since 6\.9.*no Linux kernel/));
    });

    it.each(['6.9.0', '6.12.1', '7.0.0'])('hears nothing of kernel %s', (version) => {
        const { notes } = measureImage(image({ bzImage: buildKernel(version) })).measurement;
        expect(notes.join()).not.toMatch(/6\.9/);
    });
});

describe('an image with a recorded boot', () => {
    const volume = sha384(buildFirmware().subarray(0x3000, 0x4000)).toString('hex');
    const other = sha384(Buffer.from('acpi')).toString('hex');
    const log = (...events: [number, string][]) =>
        JSON.stringify(events.map(([imr, digest]) => ({ imr, digest, event: '' })));
    const register = (...digests: string[]) =>
        replay(digests.map((digest) => Buffer.from(digest, 'hex'))).toString('hex');

    it('takes RTMR0 and RTMR3 from its events', () => {
        const folder = image({ 'event-log.json': log([0, volume], [3, other], [0, other]) });
        const { measurement, exitCode } = measureImage(folder);
        const expected = { ...computed, rtmr0: register(volume, other), rtmr3: register(other) };
        expect(measurement).toMatchObject({ ...expected, imageId: imageIdOf(expected).toString('hex') });
        expect(measurement.notes).toContainEqual(expect.stringMatching(/RTMR3 is that of the recorded boot/));
        expect(exitCode).toBe(0);
    });

    it.each([
        ['another RTMR0 than the one given', log([0, volume]), /RTMR0.*another RTMR0 was given/, { rtmr0 }],
        ['another kernel', log([0, volume], [1, other]), /RTMR1.*another kernel/, {}],
        ['another command line', log([0, volume], [2, other]), /RTMR2.*another command line/, {}],
        ['another firmware', log([0, other]), /configuration volume/, {}],
    ])('has no id and exit code 1 when that was of %s', (_, text, note, options) => {
        const { measurement, exitCode } = measureImage(image({ 'event-log.json': text }), options);
        expect(measurement.imageId).toBeNull();
        expect(measurement.notes[0]).toMatch(note);
        expect(exitCode).toBe(1);
    });

    it('still lacks RTMR0 when the events are of other registers', () => {
        const { measurement } = measureImage(image({ 'event-log.json': log([3, other]) }));
        expect(measurement).toMatchObject({ imageId: null, rtmr0: null, rtmr3: register(other) });
    });
});

describe('files that cannot be measured', () => {
    const tooLong = 'a'.repeat(2048);
    const refused: [string, RegExp, Record<string, Buffer | string | undefined>][] = [
        ['no firmware', /holds none of OVMF\.fd/, { 'OVMF.fd': undefined }],
        ['no kernel', /holds none of bzImage/, { bzImage: undefined }],
        ['no initrd', /holds none of initrd/, { initrd: undefined }],
        ['no command line', /holds none of cmdline/, { cmdline: undefined }],
        ['two kernels', /bzImage and vmlinuz: which/, { vmlinuz: 'x' }],
        ['an empty initrd', /empty/, { initrd: '' }],
        ['firmware that is none', /firmware cannot be measured: no OVMF table/, { 'OVMF.fd': Buffer.alloc(4096) }],
        ['a kernel that is none', /kernel cannot be measured: not a PE image/, { bzImage: 'kernel' }],
        [
            'a kernel cut off',
            /kernel cannot be measured: it ends too early/,
            { bzImage: buildKernel().subarray(0, 0x84) },
        ],
        ['a command line of two lines', /one line of printable ASCII/, { cmdline: 'a\nb\n' }],
        ['a command line beyond ASCII', /one line of printable ASCII/, { cmdline: 'a=\u00e9' }],
        ['a command line of nothing', /one line of printable ASCII/, { cmdline: '\n' }],
        ['a command line Linux cuts off', /longer than 2047/, { cmdline: tooLong }],
        ['an event log that is none', /not an event log/, { 'event-log.json': '{}' }],
        ['metadata that is none', /not a readable image metadata/, { 'metadata.json': '[]' }],
        [
            'metadata that names files elsewhere',
            /not a readable image metadata/,
            { 'metadata.json': '{"bios":"../OVMF.fd","kernel":"bzImage","initrd":"initrd","cmdline":"a"}' },
        ],
        [
            'metadata that names no file',
            /cannot be read/,
            { 'metadata.json': '{"bios":"missing","kernel":"bzImage","initrd":"initrd","cmdline":"a"}' },
        ],
    ];
    it.each(refused)('are refused: %s', (_, message, changes) => {
        expect(() => measureImage(image(changes))).toThrow(unusable(message));
    });

    it('are refused: no folder', () => {
        expect(() => measureImage('/nowhere/image')).toThrow(unusable(/not a folder/));
    });

    it('are refused: a folder where a file is due', () => {
        const folder = image({ initrd: undefined });
        mkdirSync(path.join(folder, 'initrd'));
        expect(() => measureImage(folder)).toThrow(unusable(/not a file/));
    });

    it('are refused: a link to nothing', () => {
        const folder = image({ initrd: undefined });
        symlinkSync('nowhere', path.join(folder, 'initrd'));
        expect(() => measureImage(folder)).toThrow(unusable(/cannot be read/));
    });

    it.each([
        ['OVMF.fd', 64 * 1024 ** 2],
        ['bzImage', 256 * 1024 ** 2],
        ['initrd', 4 * 1024 ** 3 - 1],
        ['cmdline', 16 * 1024 ** 2],
        ['event-log.json', 16 * 1024 ** 2],
    ])('are refused unread when too large: %s', (name, maxLength) => {
        const folder = image();
        // Sparse: of this size, without its bytes.
        writeFileSync(path.join(folder, name), '');
        truncateSync(path.join(folder, name), maxLength + 1);
        expect(() => measureImage(folder)).toThrow(unusable(/larger than/));
    });

    it('are refused: options that make no sense', () => {
        expect(() => measureImage(image(), { rtmr0: '00' })).toThrow(unusable(/96 hex digits/));
        expect(() => measureImage(image(), { kernelHeader: 'patched' })).toThrow(unusable(/memory/));
        expect(() => measureImage(image(), { kernelHeader: 'patched', memoryBytes: 1024 })).toThrow(unusable(/fit/));
    });
});

describe('cocoon measure', () => {
    async function run(...argv: string[]): Promise<{ output: string; exitCode: typeof process.exitCode }> {
        const printed = jest.spyOn(console, 'log').mockImplementation(() => undefined);
        const program = new Command().exitOverride().configureOutput({ writeErr: () => undefined });
        addMeasureCommand(program);
        program.commands.forEach((command) => command.exitOverride());
        try {
            await program.parseAsync(['node', 'cocoon', 'measure', ...argv]);
            return { output: printed.mock.calls.flat().join('\n'), exitCode: process.exitCode };
        } finally {
            printed.mockRestore();
            process.exitCode = undefined;
        }
    }

    it('prints one JSON object', async () => {
        const { output, exitCode } = await run(image(), '--rtmr0', rtmr0, '--json');
        const measurement = JSON.parse(output) as Record<string, unknown>;
        expect(Object.keys(measurement)).toEqual(['imageId', 'mrtd', 'rtmr0', 'rtmr1', 'rtmr2', 'rtmr3', 'notes']);
        expect(measurement).toMatchObject({ ...computed, rtmr0 });
        expect(exitCode).toBeUndefined();
    });

    it('prints text for people', async () => {
        const { output } = await run(image());
        expect(output).toMatch(/^image id {2}unknown\nmrtd {6}[0-9a-f]{96}\nrtmr0 {5}unknown\n/);
        expect(output).toMatch(/note: RTMR0 is unknown/);
    });

    it('takes every option', async () => {
        const options = ['--mrtd-order', 'two-pass', '--kernel-header', 'patched', '--memory', '8G'];
        const { output } = await run(image(), ...options, '--initrd-argument', 'last', '--json');
        const expected = measureImage(image(), {
            mrtdOrder: 'two-pass',
            kernelHeader: 'patched',
            memoryBytes: 8 * 1024 ** 3,
            initrdArgument: 'last',
        });
        expect(JSON.parse(output)).toEqual(expected.measurement);
    });

    it('exits with 1 when a recorded boot contradicts the files', async () => {
        const text = JSON.stringify([{ imr: 1, digest: zeros }]);
        expect((await run(image({ 'event-log.json': text }))).exitCode).toBe(1);
    });

    it('refuses unknown words and sizes', async () => {
        await expect(run(image(), '--mrtd-order', 'random')).rejects.toThrow(/Allowed choices/);
        await expect(run(image(), '--memory', 'lots')).rejects.toThrow(unusable(/memory size/));
        await expect(run('/nowhere/image')).rejects.toThrow(unusable(/not a folder/));
    });
});
