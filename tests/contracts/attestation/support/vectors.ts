import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';

const folder = path.resolve(process.env.COCOON_VECTORS ?? path.join(__dirname, '../../../../../shared/vectors'));

/** Whether the folder of public quotes and test vectors (COCOON_VECTORS) is there. */
export const hasVectors = existsSync(path.join(folder, 'README.md'));

/** `describe` where the vectors are; elsewhere its tests are listed as skipped, by name. */
export const describeWithVectors = hasVectors ? describe : describe.skip;

if (!hasVectors) process.stderr.write(`vectors absent at ${folder}: tests that need them are skipped\n`);

export function readVector(file: string): Buffer {
    return readFileSync(path.join(folder, file));
}
