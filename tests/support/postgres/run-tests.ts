/** `npm run test:postgres`: the specs that keep a dispatcher's ledger, on a real PostgreSQL. Paths may be given. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { PostgresServer } from './postgres-server';

const folders = ['ledger', 'dispatch', 'dispatcher', 'settlement', 'watchdog', 'windows', 'cli/doctor'];
const specs = folders.map((name) => `tests/keepers/${name}/`);

async function main(): Promise<void> {
    const chosen = process.argv.slice(2);
    const server = await PostgresServer.start({ settings: { max_connections: 200 } });
    try {
        const jest = createRequire(__filename).resolve('jest/bin/jest');
        const { url, password } = server.address;
        const child = spawn(process.execPath, [jest, ...(chosen.length > 0 ? chosen : specs)], {
            stdio: 'inherit',
            env: { ...process.env, LEDGER_TEST_POSTGRES: url, PGPASSWORD: password },
        });
        const [code] = (await once(child, 'exit')) as [number | null];
        process.exitCode = code ?? 1;
    } finally {
        await server.stop();
    }
}

void main();
