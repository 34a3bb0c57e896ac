import { createPublicKey, type KeyObject } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { CocoonError } from '../base';

/**
 * The root of a development network, as an operator names it: hex of the P-256 point (x | y, or with 04 before it), or a
 * file that holds such hex, or PEM of the root's certificate or public key. There is no default but Intel's.
 */
export function readRootKey(given: string): Buffer {
    return pointOfHex(given) ?? rootKeyOfFile(given);
}

function rootKeyOfFile(file: string): Buffer {
    let text: string;
    try {
        text = readFileSync(file, 'latin1').trim();
    } catch (error) {
        throw unusable(`--root ${file} is neither 64 bytes of hex nor a file that can be read`, error);
    }
    const point = pointOfHex(text);
    if (point !== null) return point;
    try {
        return pointOf(createPublicKey(text));
    } catch (error) {
        throw unusable(`--root: ${file} holds no P-256 key, neither in hex nor in PEM`, error);
    }
}

/** Null for what is not hex of that length at all: then it is a file's name. */
function pointOfHex(text: string): Buffer | null {
    const match = /^(?:04)?([0-9a-fA-F]{64})([0-9a-fA-F]{64})$/.exec(text);
    if (match === null) return null;
    const [x, y] = match.slice(1).map((half) => Buffer.from(half, 'hex').toString('base64url'));
    try {
        return pointOf(createPublicKey({ key: { kty: 'EC', crv: 'P-256', x, y }, format: 'jwk' }));
    } catch (error) {
        throw unusable('--root is not a point of the curve P-256', error);
    }
}

function pointOf(key: KeyObject): Buffer {
    const { crv, x, y } = key.export({ format: 'jwk' });
    if (crv !== 'P-256') throw unusable(`the root is a key of ${crv ?? 'another kind'}, not of P-256`);
    return Buffer.concat([Buffer.from([4]), Buffer.from(x!, 'base64url'), Buffer.from(y!, 'base64url')]);
}

function unusable(message: string, cause?: unknown): CocoonError {
    return new CocoonError('argument_invalid', message, { action: 'fix', cause });
}
