import { createHash } from 'node:crypto';
import { authenticodeDigest } from '../../../../keepers/attestation/measure/authenticode';
import { parseEventLog, recordedRegister } from '../../../../keepers/attestation/measure/event-log';
import { kernelVersionOf, patchKernelHeader } from '../../../../keepers/attestation/measure/kernel-header';
import { parseMemory } from '../../../../keepers/attestation/measure/memory-size';
import { replay, rtmr1Of, rtmr2Of, sha384 } from '../../../../keepers/attestation/measure/rtmr';
import { buildKernel, buildPe, commandLine, initrd } from './synthetic-image';

/** Events and registers of a TD booted on hardware by QEMU and OVMF with a kernel given to it (a public dstack boot). */
const recordedBoot = {
    rtmr1: '4a7db64a609c77e85f603c23e9a9fd03bfd9e6b52ce527f774a598e66d58386026cea79b2aea13b81a0b70cfacdec0ca',
    rtmr2: '8a4fe048fea22663152ef128853caa5c033cbe66baf32ba1ff7f6b1afc1624c279f50a4cbc522a735ca6f69551e61ef2',
    kernel: 'f51c5215e1ae1e5202fb0a710248e13c2bf2824b7f0b2a1675f63e9fd37befb93fbb97a4f8630879168b76aee3b198e2',
    bootEvents: [
        '77a0dab2312b4e1e57a84d865a21e5b2ee8d677a21012ada819d0a98988078d3d740f6346bfe0abaa938ca20439a8d71',
        '394341b7182cd227c5c6b07ef8000cdfd86136c4292b8e576573ad7ed9ae41019f5818b4b971c9effc60e1ad9f1289f0',
        '214b0bef1379756011344877743fdc2a5382bac6e70362d624ccf3f654407c1b4badf7d8f9295dd3dabdef65b27677e0',
        '0a2e01c85deae718a530ad8c6d20a84009babe6c8989269e950d8cf440c6e997695e64d455c4174a652cd080f6230b74',
    ],
    commandLine: 'a68ac6d65dd62f392826c2ae44f6846363ced3418c96574b3e168de9205c8553b8198c3b9d206bc432d70a923c25b098',
    initrd: '21a1d39f7395e15c35b91dacf14714cf2e9ead77e69f076ce164798272c1838312b2d82b3307b91929a4d7dbc6f1e48b',
};
const bytes = (digests: string[]) => digests.map((digest) => Buffer.from(digest, 'hex'));
const digest = (data: Buffer) => createHash('sha384').update(data).digest();

describe('a run-time register', () => {
    it('starts at zero and is extended by each digest', () => {
        const one = createHash('sha384').update('Calling EFI Application from Boot Option').digest();
        expect(replay([]).toString('hex')).toBe('00'.repeat(48));
        expect(replay([one]).toString('hex')).toBe(
            '8032dedfdb8373b9bf18849c61543d2ed4fd555ffb0028634689a13fc4de798ff904ccded77c2d72259ab9777a17d7bd',
        );
    });

    it('replays to what hardware reported', () => {
        const { kernel, bootEvents, commandLine: line, initrd: disk } = recordedBoot;
        expect(replay(bytes([kernel, ...bootEvents])).toString('hex')).toBe(recordedBoot.rtmr1);
        expect(replay(bytes([line, disk])).toString('hex')).toBe(recordedBoot.rtmr2);
    });
});

describe('RTMR1', () => {
    it('is the kernel, then the events hardware recorded', () => {
        const kernel = buildPe();
        expect(rtmr1Of(kernel)).toEqual(replay([authenticodeDigest(kernel), ...bytes(recordedBoot.bootEvents)]));
    });
});

describe('RTMR2', () => {
    const wide = (text: string) => Buffer.from([...`${text}\0`].flatMap((letter) => [letter.charCodeAt(0), 0]));

    it('is the command line in UTF-16 with its zero, the initrd argument first, then the initrd', () => {
        const first = digest(wide(`initrd=initrd ${commandLine}`));
        expect(rtmr2Of(commandLine, digest(initrd))).toEqual(replay([first, digest(initrd)]));
    });

    it('can have the initrd argument last, for older firmware', () => {
        const last = digest(wide(`${commandLine} initrd=initrd`));
        expect(rtmr2Of(commandLine, digest(initrd), 'last')).toEqual(replay([last, digest(initrd)]));
    });

    it('is what another program computes', () => {
        expect(rtmr2Of('console=ttyS0', sha384(Buffer.from('initrd'))).toString('hex')).toBe(
            '641748e08e314a3641c5384d778c87ee2ffcc6e6cd4c5c7d79a04ca181ed17b9b52f1810dc533593e96a0dd98b9c5049',
        );
    });
});

describe('a kernel patched by QEMU', () => {
    const gibibyte = 1024 ** 3;
    const load = { initrdLength: 5000, memoryBytes: 4 * gibibyte, commandLine };

    it('differs in the loader fields alone', () => {
        const kernel = buildKernel();
        const patched = patchKernelHeader(kernel, load);
        expect(patched[0x210]).toBe(0xb0);
        expect(patched[0x211]).toBe(0x81);
        expect(patched.readUInt32LE(0x218)).toBe(0x80000000 - 0x28000 - 0x2000);
        expect(patched.readUInt32LE(0x21c)).toBe(5000);
        expect(patched.readUInt16LE(0x224)).toBe(0xfe00);
        expect(patched.readUInt32LE(0x228)).toBe(0x20000);
        const places = [0x210, 0x211, 0x218, 0x219, 0x21a, 0x21b, 0x21c, 0x21d, 0x21e, 0x21f];
        places.push(0x224, 0x225, 0x228, 0x229, 0x22a, 0x22b);
        const differing = [...patched.keys()].filter((at) => patched[at] !== kernel[at]);
        expect(differing.filter((at) => !places.includes(at))).toEqual([]);
        expect(kernel).toEqual(buildKernel());
    });

    it.each([
        [1, 0x40000000],
        [2, 0x80000000],
        [2.5, 0xa0000000],
        [2.75, 0x80000000],
        [64, 0x80000000],
    ])('of %d GiB has its initrd below the end of low memory', (memory, lowMemory) => {
        const patched = patchKernelHeader(buildKernel(), { ...load, memoryBytes: memory * gibibyte });
        expect(patched.readUInt32LE(0x218)).toBe(lowMemory - 0x28000 - 0x2000);
    });

    it('has the bytes that QEMU 10.1 was seen to write for an initrd of this length (dstack, issue 1185)', () => {
        const patched = patchKernelHeader(buildKernel(), { ...load, initrdLength: 0xa962c0 });
        expect(patched.toString('hex', 0x210, 0x212)).toBe('b081');
        expect(patched.toString('hex', 0x218, 0x220)).toBe('0010547fc062a900');
        expect(patched.toString('hex', 0x224, 0x226)).toBe('00fe');
        expect(patched.toString('hex', 0x228, 0x22c)).toBe('00000200');
    });

    it('that names a highest address for its initrd has it below', () => {
        const kernel = buildKernel();
        kernel.writeUInt16LE(1, 0x236);
        kernel.writeUInt32LE(0x37ffffff, 0x22c);
        expect(patchKernelHeader(kernel, load).readUInt32LE(0x218)).toBe(0x37ffe000);
    });

    it.each([
        ['no kernel', /not a Linux kernel/, buildPe(), load],
        ['an old protocol', /too old/, withByte(0x207, 1), load],
        ['a kernel loaded low', /too old/, withByte(0x211, 0), load],
        ['a video mode', /vga=/, buildKernel(), { ...load, commandLine: 'vga=ask' }],
        ['too little memory', /does not fit/, buildKernel(), { ...load, memoryBytes: 0x28000 + 5001 }],
    ])('is refused: %s', (_, message, kernel, how) => {
        expect(() => patchKernelHeader(kernel, how)).toThrow(message);
    });

    function withByte(at: number, value: number): Buffer {
        const kernel = buildKernel();
        kernel[at] = value;
        return kernel;
    }
});

describe('what a kernel calls itself', () => {
    it('is read from its header', () => {
        expect(kernelVersionOf(buildKernel('6.8.0-1007-intel'))).toBe('6.8.0-1007-intel');
        expect(kernelVersionOf(buildPe())).toBeNull();
        expect(kernelVersionOf(buildKernel('no version'))).toBeNull();
        expect(kernelVersionOf(Buffer.alloc(10))).toBeNull();
    });
});

describe('an event log', () => {
    const log = JSON.stringify([
        { imr: 1, event_type: 4, digest: recordedBoot.kernel.toUpperCase(), event: '', event_payload: '' },
        { imr: 2, digest: recordedBoot.commandLine },
        ...recordedBoot.bootEvents.map((event) => ({ imr: 1, digest: event })),
    ]);

    it('yields the registers it has events of', () => {
        const parsed = parseEventLog(log);
        expect(recordedRegister(parsed, 1)).toBe(recordedBoot.rtmr1);
        expect(recordedRegister(parsed, 0)).toBeNull();
    });

    it.each(['', '{}', '[{"imr":4,"digest":""}]', '[{"imr":0,"digest":"00"}]', '[{"digest":""}]', 'null'])(
        'is not %j',
        (text) => {
            expect(() => parseEventLog(text)).toThrow();
        },
    );
});

describe('a memory size', () => {
    it.each([
        ['16G', 16 * 1024 ** 3],
        ['2048M', 2 * 1024 ** 3],
        ['2097152K', 2 * 1024 ** 3],
    ])('%s is %d bytes', (text, size) => expect(parseMemory(text)).toBe(size));

    it.each(['', '16', '0G', '1.5G', '16g', '-1G', '16GB', '1e3M'])('%j is refused', (text) => {
        expect(() => parseMemory(text)).toThrow(expect.objectContaining({ code: 'file_unusable' }) as Error);
    });
});
