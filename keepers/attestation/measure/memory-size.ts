import { AttestationError } from '../errors';

const unitBytes = { K: 1024, M: 1024 ** 2, G: 1024 ** 3 } as const;

/** Bytes of a size as QEMU's -m takes it, unit written out: `2048M`, `16G`. */
export function parseMemory(text: string): number {
    const [, count, unit] = /^([1-9]\d{0,8})([KMG])$/.exec(text) ?? [];
    if (count === undefined) {
        throw new AttestationError('file_unusable', `${text} is not a memory size such as 16G or 2048M`);
    }
    return Number(count) * unitBytes[unit as keyof typeof unitBytes];
}
