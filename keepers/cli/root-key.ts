import { createPublicKey, type KeyObject } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { CocoonError } from '../base';

interface Curve {
    name: 'P-256' | 'P-384';
    coordinateBytes: number;
}

const p256: Curve = { name: 'P-256', coordinateBytes: 32 };
const p384: Curve = { name: 'P-384', coordinateBytes: 48 };

/**
 * The root of a development network, as an operator names it: hex of the P-256 point (x | y, or with 04 before it), or a
 * file that holds such hex, or PEM of the root's certificate or public key. There is no default but Intel's.
 */
export function readRootKey(given: string): Buffer {
    return readKey(given, p256);
}

/** The same for the root of GPUs, on P-384. There is no default but NVIDIA's. */
export function readGpuRootKey(given: string): Buffer {
    return readKey(given, p384);
}

function readKey(given: string, curve: Curve): Buffer {
    return pointOfHex(given, curve) ?? rootKeyOfFile(given, curve);
}

function rootKeyOfFile(file: string, curve: Curve): Buffer {
    let text: string;
    try {
        text = readFileSync(file, 'latin1').trim();
    } catch (error) {
        throw unusable(
            `--root ${file} is neither ${2 * curve.coordinateBytes} bytes of hex nor a file that can be read`,
            error,
        );
    }
    const point = pointOfHex(text, curve);
    if (point !== null) return point;
    try {
        return pointOf(createPublicKey(text), curve);
    } catch (error) {
        throw unusable(`--root: ${file} holds no ${curve.name} key, neither in hex nor in PEM`, error);
    }
}

/** Null for what is not hex of that length at all: then it is a file's name. */
function pointOfHex(text: string, curve: Curve): Buffer | null {
    const coordinate = `([0-9a-fA-F]{${2 * curve.coordinateBytes}})`;
    const match = new RegExp(`^(?:04)?${coordinate}${coordinate}$`).exec(text);
    if (match === null) return null;
    const [x, y] = match.slice(1).map((half) => Buffer.from(half, 'hex').toString('base64url'));
    try {
        return pointOf(createPublicKey({ key: { kty: 'EC', crv: curve.name, x, y }, format: 'jwk' }), curve);
    } catch (error) {
        throw unusable(`--root is not a point of the curve ${curve.name}`, error);
    }
}

function pointOf(key: KeyObject, { name }: Curve): Buffer {
    const { crv, x, y } = key.export({ format: 'jwk' });
    if (crv !== name) throw unusable(`the root is a key of ${crv ?? 'another kind'}, not of ${name}`);
    return Buffer.concat([Buffer.from([4]), Buffer.from(x!, 'base64url'), Buffer.from(y!, 'base64url')]);
}

function unusable(message: string, cause?: unknown): CocoonError {
    return new CocoonError('argument_invalid', message, { action: 'fix', cause });
}
