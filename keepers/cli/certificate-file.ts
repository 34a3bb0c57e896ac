import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { AttestationError } from '../attestation';

export function readInput(file: string): Buffer {
    try {
        return readFileSync(file);
    } catch (error) {
        throw new AttestationError('file_unusable', `${file} cannot be read`, error);
    }
}

/** DER as the key distribution service has it, or PEM. */
export function readCertificate(file: string): Buffer {
    const bytes = readInput(file);
    if (!bytes.includes('-----BEGIN CERTIFICATE-----')) return bytes;
    try {
        return new X509Certificate(bytes).raw;
    } catch (error) {
        throw new AttestationError('file_unusable', `${file} holds no readable certificate`, error);
    }
}
