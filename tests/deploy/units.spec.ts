import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Command } from 'commander';
import { addRoleCommands } from '../../keepers/cli/role-commands';
import { configSchemas, loadConfig, type Role } from '../../keepers/config';
import { environmentOf, readUnit } from './unit-file';

const deploy = path.resolve(__dirname, '../../deploy');
const systemd = path.join(deploy, 'systemd');
const roles = (Object.keys(configSchemas) as Role[]).filter((role) => role !== 'devnet');
const unitOf = (role: string) => readUnit(path.join(systemd, `cocoon-${role}.service`));
const configOf = (role: string) => path.join(deploy, 'config', `${role}.json`);
const credentials = '/run/credentials/x.service';

interface Written {
    ledgerFile?: string;
    receiptLogFile?: string;
    admin: { tokenFile: string };
}

describe.each(roles)('the unit of a %s', (role) => {
    const unit = unitOf(role);

    test('runs a command that exists, with the role’s own configuration', () => {
        const [program, command, ...rest] = unit.get('ExecStart')![0]!.split(' ');
        expect(program).toBe('/usr/local/bin/cocoon');
        expect(rest).toEqual(['--config', `/etc/cocoon/${role}.json`]);
        const cocoon = new Command();
        addRoleCommands(cocoon);
        const found = cocoon.commands.find((one) => one.name() === command);
        expect(found?.options.map(({ long }) => long)).toContain('--config');
    });

    test.each([
        ['DynamicUser', 'yes'],
        ['LimitCORE', '1'],
        ['UMask', '0077'],
        ['NoNewPrivileges', 'yes'],
        ['CapabilityBoundingSet', ''],
        ['ProtectSystem', 'strict'],
        ['ProtectHome', 'yes'],
        ['PrivateTmp', 'yes'],
        ['PrivateDevices', 'yes'],
        ['ProtectProc', 'invisible'],
        ['ProtectKernelTunables', 'yes'],
        ['RestrictNamespaces', 'yes'],
        ['SystemCallArchitectures', 'native'],
        ['StateDirectoryMode', '0700'],
        ['Restart', 'on-failure'],
    ])('sets %s=%s', (directive, value) => {
        expect(unit.get(directive)).toEqual([value]);
    });

    test('writes only to its state folder, where its configuration keeps what it writes', () => {
        const folder = `/var/lib/${unit.get('StateDirectory')![0]}`;
        expect(unit.get('ReadWritePaths')).toEqual([folder]);
        const config = JSON.parse(readFileSync(configOf(role), 'utf8')) as Written;
        const { ledgerFile, receiptLogFile, admin } = config;
        const written = [ledgerFile, receiptLogFile, admin.tokenFile].filter((file) => file !== undefined);
        expect(written.filter((file) => path.dirname(file) !== folder)).toEqual([]);
    });

    test('gets every key as a credential, under the setting that names it', () => {
        const environment = environmentOf(unit, credentials);
        const loaded = loadConfig(role, { file: configOf(role), env: environment }) as Record<string, unknown>;
        const keys = Object.entries(loaded).filter(([name]) => /(key|wallet)file$/i.test(name));
        const given = (unit.get('LoadCredential') ?? []).map((credential) => credential.split(':')[0]!);
        expect(keys.map(([, file]) => file).sort()).toEqual(given.map((name) => `${credentials}/${name}`).sort());
    });
});

test('every example configuration is one that the role takes', () => {
    const files = readdirSync(path.join(deploy, 'config'));
    expect(files.length).toBeGreaterThanOrEqual(roles.length + 2);
    for (const file of files) {
        const role = file.split('.')[0] as Role;
        expect(loadConfig(role, { file: path.join(deploy, 'config', file), env: {} })).toHaveProperty('role', role);
    }
});

/** Where there is no systemd, the directives above are all that is looked at. */
const analyzer = spawnSync('systemd-analyze', ['--version']).status === 0 ? test : test.skip;

analyzer('systemd takes every unit, alone and with its drop-ins', () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'cocoon-units-'));
    const place = (from: string, to: string) => {
        const text = readFileSync(from, 'utf8').replace('/usr/local/bin/cocoon', process.execPath);
        writeFileSync(to, text);
    };
    for (const name of readdirSync(systemd)) {
        if (name.endsWith('.service')) place(path.join(systemd, name), path.join(folder, name));
        else {
            mkdirSync(path.join(folder, name));
            for (const dropIn of readdirSync(path.join(systemd, name)))
                place(path.join(systemd, name, dropIn), path.join(folder, name, dropIn));
        }
    }
    const units = roles.map((role) => path.join(folder, `cocoon-${role}.service`));
    const { status, stderr } = spawnSync('systemd-analyze', ['verify', '--man=no', ...units], { encoding: 'utf8' });
    expect([status, stderr]).toEqual([0, '']);
});
