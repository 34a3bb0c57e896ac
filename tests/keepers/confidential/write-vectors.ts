import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { buildVector } from './vectors';

/** npx tsx tests/keepers/confidential/write-vectors.ts: after a deliberate change of the wire format, and only then. */
async function main(): Promise<void> {
    for (const suite of [1, 2] as const) {
        const file = path.join(__dirname, `../../vectors/confidential/exchange-suite-${suite}.json`);
        writeFileSync(file, `${JSON.stringify(await buildVector(suite), null, 4)}\n`);
    }
}

void main();
