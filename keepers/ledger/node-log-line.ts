import { createHash } from 'node:crypto';

/** Eight hex digits of SHA-256, a blank, the JSON text: a torn or damaged line can't pass for a whole one. */
export function checkedLine(json: string): string {
    return `${lineChecksum(json)} ${json}\n`;
}

export function lineChecksum(json: string): string {
    return createHash('sha256').update(json).digest('hex').slice(0, 8);
}
