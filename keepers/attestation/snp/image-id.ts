import { createHash } from 'node:crypto';

/** What identifies the software of an SNP guest, in hex. */
export interface SnpImage {
    /** Launch digest over the guest's first memory and processor state, 48 bytes. */
    measurement: string;
    /** What the host bound to the guest at launch, 32 bytes; zero unless the image makes use of it. */
    hostData: string;
}

/**
 * Sixteen bytes before the rest. A TDX image id hashes 240 bytes and this 96, so that no image of one kind can have the id
 * of one of the other.
 */
const imageTag = Buffer.from('cocoon-snp-img-1', 'latin1');

/**
 * SHA-256("cocoon-snp-img-1" | MEASUREMENT | HOST_DATA). Host data is part of it since guests choose by it what to run (Kata
 * does): whoever allows an image allows it for exactly that. Guest policy, privilege level and TCB are not: they are
 * conditions, and judged apart.
 */
export function snpImageIdOf({ measurement, hostData }: SnpImage): Buffer {
    const fields = [Buffer.from(measurement, 'hex'), Buffer.from(hostData, 'hex')];
    if (fields[0]!.length !== 48 || fields[1]!.length !== 32) {
        throw new RangeError('a measurement is 48 bytes of hex, host data 32');
    }
    return createHash('sha256').update(imageTag).update(Buffer.concat(fields)).digest();
}
