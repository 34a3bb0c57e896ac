import { chmodSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { once } from 'node:events';
import path from 'node:path';
import pg from 'pg';
import { systemClock } from '../../../../keepers/base';
import { chainClientOf } from '../../../../keepers/chain';
import { loadKeeperConfig } from '../../../../keepers/cli/doctor/doctor-context';
import { runDoctor } from '../../../../keepers/cli/doctor/doctor';
import { checkConfigFile, checkDisk } from '../../../../keepers/cli/doctor/host-checks';
import { checkKeyFiles } from '../../../../keepers/cli/doctor/key-files';
import { checkLedger, checkNodeLogs } from '../../../../keepers/cli/doctor/ledger-checks';
import { checkPorts } from '../../../../keepers/cli/doctor/port-checks';
import { checkTls } from '../../../../keepers/cli/doctor/tls-check';
import {
    inspectLedger,
    inspectPostgres,
    LedgerError,
    NodeLog,
    openDatabase,
    openDispatchLedger,
    schemaVersion,
} from '../../../../keepers/ledger';
import { newLedger, onPostgres } from '../../../support/new-ledger';
import { TlsAuthority } from '../../../support/tls-authority';
import { folder } from '../provider/configured-node';
import { configuredRole } from './configured-roles';

interface Checked {
    check: string;
    state: 'ok' | 'warn' | 'fail';
    detail: string;
    next: string | null;
}

interface Verdict {
    ok: boolean;
    failed: number;
    roles: { config: string; role: string | null; checks: Checked[] }[];
}

async function doctor(...config: string[]) {
    const { output, exitCode } = await runDoctor({ config, json: true });
    const verdict = JSON.parse(output) as Verdict;
    const states = (check: string) =>
        verdict.roles.flatMap(({ checks }) => checks.filter((one) => one.check === check));
    return { exitCode, verdict, states };
}

const roles = ['dispatcher', 'settler', 'watchdog', 'registrar', 'gateway', 'node'];

describe('where nothing answers', () => {
    test('files are fine and the chain is not, of every role, each finding with what to do', async () => {
        const files = await Promise.all(roles.map((role) => configuredRole(role)));
        const found = await Promise.all(files.map((file) => doctor(file)));
        expect(found.map(({ verdict }) => verdict.roles[0]!.role)).toEqual(roles);
        for (const { exitCode, verdict, states } of found) {
            expect(exitCode).toBe(1);
            for (const check of ['config', 'keys', 'ports'])
                expect(states(check).map(({ state }) => state)).toEqual(expect.arrayContaining(['ok']));
            for (const check of ['chain', 'deployment', 'clock'])
                expect(states(check)).toMatchObject([{ state: 'fail' }]);
            for (const { state, next } of verdict.roles[0]!.checks) expect(next === null).toBe(state === 'ok');
        }
    });

    test('several roles are looked at in one go, also when one’s settings are not valid', async () => {
        const [good, bad] = [
            await configuredRole('registrar'),
            await configuredRole('dispatcher', { hub: 'nonsense' }),
        ];
        const { exitCode, verdict } = await doctor(bad, good);
        expect(exitCode).toBe(1);
        expect(verdict.roles.map(({ role }) => role)).toEqual(['dispatcher', 'registrar']);
        expect(verdict.roles[0]!.checks).toMatchObject([{ check: 'config', state: 'fail' }]);
        expect(verdict.roles[0]!.checks[0]!.detail).toContain('hub: must be a TON address');
    });

    test('a file that names no role is a finding, and a person reads the same', async () => {
        const file = await configuredRole('oracle');
        const { output, exitCode } = await runDoctor({ config: [file] });
        expect(exitCode).toBe(1);
        expect(output).toMatch(/fail {2}config .*"role" must be one of dispatcher/);
        expect(output).toMatch(/-> keepers\/config\/roles/);
    });
});

describe('files', () => {
    test('a key for an endpoint that others can read fails, and no keeper takes it', async () => {
        const exposed = path.join(folder, 'toncenter.key');
        writeFileSync(exposed, 'an API key');
        chmodSync(exposed, 0o644);
        const endpoint = { url: 'https://toncenter.com/api/v2/jsonRPC', apiKeyFile: exposed };
        const file = await configuredRole('settler', { chain: { endpoints: [endpoint] } });
        const config = loadKeeperConfig(file);
        const { chain } = config;
        expect(checkKeyFiles(config)).toContainEqual(
            expect.objectContaining({ state: 'fail', next: expect.stringContaining(`chmod 600`) as string }),
        );
        for (const settings of [chain, { ...chain, endpoints: [endpoint.url], apiKeyFile: exposed }])
            expect(() => chainClientOf(settings)).toThrow(expect.objectContaining({ code: 'secret_exposed' }) as Error);
        chmodSync(exposed, 0o600);
        expect(() => chainClientOf(chain)).not.toThrow();
    });

    test('a key that others can read fails, without a word of the key', async () => {
        const exposed = path.join(folder, 'exposed.key');
        const key = 'c7'.repeat(32);
        writeFileSync(exposed, key);
        chmodSync(exposed, 0o644);
        const file = await configuredRole('settler', { gasWalletFile: exposed });
        const found = checkKeyFiles(loadKeeperConfig(file));
        expect(found).toContainEqual(
            expect.objectContaining({ state: 'fail', next: expect.stringContaining(`chmod 600`) as string }),
        );
        expect(JSON.stringify(found)).not.toContain(key);
    });

    test.each([
        ['is fine for a month', 30, 'ok'],
        ['is a warning in its last two weeks', 13, 'warn'],
        ['fails once it is over', -0.5, 'fail'],
    ])('a certificate %s', async (_rule, days, state) => {
        const tls = new TlsAuthority().serverOf('localhost', days);
        const [certificateFile, keyFile] = ['chain.pem', 'key.pem'].map((name) => path.join(folder, name));
        writeFileSync(certificateFile!, tls.certificate);
        writeFileSync(keyFile!, tls.key, { mode: 0o600 });
        const config = loadKeeperConfig(await configuredRole('dispatcher', { tls: { certificateFile, keyFile } }));
        expect(checkTls(config, systemClock)).toMatchObject([{ check: 'tls', state }]);
    });

    test('settings that others can write fail', async () => {
        const file = await configuredRole('settler');
        chmodSync(file, 0o666);
        expect(checkConfigFile(file)).toMatchObject([{ state: 'fail', next: `chmod go-w ${file}` }]);
    });
});

/** Run by `npm run test:postgres` with this file's path. */
const inPostgres = onPostgres ? test : test.skip;

describe('the ledger', () => {
    const lookAt = (file: string) => checkLedger(loadKeeperConfig(file));
    const ledgerOf = (file: string) => path.join(path.dirname(file), 'dispatcher.sqlite');

    test('is made at the first start', async () => {
        const found = await lookAt(await configuredRole('dispatcher'));
        expect(found).toMatchObject([{ state: 'ok', detail: expect.stringContaining('is made') as string }]);
    });

    test('is read while a dispatcher writes to it, and left at its version', async () => {
        const file = await configuredRole('dispatcher');
        const ledger = await openDispatchLedger({ file: ledgerOf(file) });
        expect(await lookAt(file)).toMatchObject([{ state: 'ok' }]);
        await ledger.close();
        expect(inspectLedger(ledgerOf(file))).toMatchObject({ version: schemaVersion, pendingSteps: 0, damage: [] });
    });

    test('of an older program is not brought further, of a newer one it fails', async () => {
        const file = await configuredRole('dispatcher');
        const database = openDatabase({ file: ledgerOf(file) });
        database.exec('DELETE FROM schema_version WHERE version > 2');
        expect(await lookAt(file)).toMatchObject([{ state: 'warn' }]);
        expect(inspectLedger(ledgerOf(file))!.version).toBe(2);
        database.exec(`INSERT INTO schema_version VALUES (${schemaVersion + 1}, 0)`);
        expect(await lookAt(file)).toMatchObject([{ state: 'fail' }]);
        database.close();
    });

    test('in a PostgreSQL that does not answer fails, and says what to look at', async () => {
        const ledger = { ledgerFile: undefined, ledgerUrl: 'postgres://cocoon@127.0.0.1:1/ledger' };
        const { states } = await doctor(await configuredRole('dispatcher', ledger));
        expect(states('ledger')).toMatchObject([
            { state: 'fail', next: expect.stringContaining('ledgerUrl') as string },
        ]);
    });

    inPostgres('in a PostgreSQL is looked at, and not brought further', async () => {
        const place = (await newLedger(folder)) as { url: string };
        const file = await configuredRole('dispatcher', { ledgerFile: undefined, ledgerUrl: place.url });
        expect(await lookAt(file)).toMatchObject([
            { state: 'ok', detail: expect.stringContaining('made at') as string },
        ]);
        expect((await inspectPostgres(place)).version).toBe(0);
        const ledger = await openDispatchLedger(place);
        expect(await lookAt(file)).toMatchObject([
            { state: 'ok', detail: expect.stringContaining(`schema ${schemaVersion}`) as string },
        ]);
        await ledger.close();
        const client = new pg.Client({ connectionString: place.url });
        await client.connect();
        await client.query('DELETE FROM schema_version WHERE version > 2');
        expect(await lookAt(file)).toMatchObject([{ state: 'warn' }]);
        await client.query(`INSERT INTO schema_version VALUES (${schemaVersion + 1}, 0)`);
        expect(await lookAt(file)).toMatchObject([{ state: 'fail' }]);
        await client.end();
        expect((await inspectPostgres(place)).version).toBe(schemaVersion + 1);
    });

    test('that is damaged fails', async () => {
        const file = await configuredRole('dispatcher');
        writeFileSync(ledgerOf(file), Buffer.alloc(8_192, 7));
        await expect(lookAt(file)).rejects.toThrow(LedgerError);
    });
});

describe('what a settler without a ledger works with', () => {
    const settlerOn = async (...nodeLogFiles: string[]) =>
        loadKeeperConfig(await configuredRole('settler', { ledgerFile: undefined, nodeLogFiles }));

    test.each(['settler', 'watchdog'])('each log of a node is looked at, of a %s too', async (role) => {
        const good = path.join(folder, `${role}-good.jsonl`);
        await (await NodeLog.open(good)).close();
        const damaged = path.join(folder, `${role}-damaged.jsonl`);
        writeFileSync(damaged, 'no line of a log\n');
        const mistyped = path.join(folder, 'recepits.jsonl');
        const nodeLogFiles = [good, damaged, mistyped];
        const file = await configuredRole(role, { ledgerFile: undefined, nodeLogFiles });
        const found = await checkNodeLogs(loadKeeperConfig(file));
        expect(found.map(({ state, detail }) => [state, /\((log_\w+)\)$/.exec(detail)?.[1]])).toEqual([
            ['ok', undefined],
            ['fail', 'log_corrupt'],
            ['fail', 'log_missing'],
        ]);
        const { states, exitCode } = await doctor(file);
        expect([exitCode, states('node_logs')]).toEqual([1, found]);
    });

    test('a settler that has nothing to settle from does not pass', async () => {
        expect(await checkLedger(await settlerOn())).toMatchObject([{ check: 'ledger', state: 'fail' }]);
    });

    test('the disk is that of its outbox', async () => {
        const config = await settlerOn(path.join(folder, 'beside.jsonl'));
        expect(checkDisk(config)).toMatchObject([{ check: 'disk', detail: expect.stringContaining(folder) as string }]);
        const gone = await settlerOn('/no/such/disk/receipts.jsonl');
        expect(() => checkDisk(gone)).toThrow('ENOENT');
    });
});

describe('ports', () => {
    test('one that another program has fails, and says how to find it', async () => {
        const server = createServer((socket) => socket.end('no HTTP'));
        server.listen(0, '127.0.0.1');
        await once(server, 'listening');
        const { port } = server.address() as { port: number };
        const file = await configuredRole('dispatcher', { listen: { port } });
        expect(await checkPorts(loadKeeperConfig(file))).toContainEqual(
            expect.objectContaining({ state: 'fail', next: expect.stringContaining(`:${port}`) as string }),
        );
        server.close();
    });
});
