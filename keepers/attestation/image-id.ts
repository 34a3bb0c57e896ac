import { createHash } from 'node:crypto';

/** What identifies the image a TD runs: its build-time measurement and the four run-time ones, 48 bytes each, in hex. */
export interface ImageMeasurements {
    mrtd: string;
    rtmr0: string;
    rtmr1: string;
    rtmr2: string;
    rtmr3: string;
}

/** SHA-256 over mrtd | rtmr0 | rtmr1 | rtmr2 | rtmr3 (240 bytes). The contracts compute the very same. */
export function imageIdOf(measurements: ImageMeasurements): Buffer {
    const { mrtd, rtmr0, rtmr1, rtmr2, rtmr3 } = measurements;
    const registers = [mrtd, rtmr0, rtmr1, rtmr2, rtmr3].map((register) => Buffer.from(register, 'hex'));
    if (registers.some((register) => register.length !== 48)) {
        throw new RangeError('a measurement register is 48 bytes of hex');
    }
    return createHash('sha256').update(Buffer.concat(registers)).digest();
}
