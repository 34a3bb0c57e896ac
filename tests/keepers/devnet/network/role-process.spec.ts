import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { RoleProcess } from '../../../../keepers/devnet/network/role-process';
import { typescriptNode } from '../../../support/typescript-node';

const dir = mkdtempSync(path.join(tmpdir(), 'cocoon-role-'));
const logFile = path.join(dir, 'chain.log');

afterAll(() => rmSync(dir, { recursive: true, force: true }));

function configFile(settings: object): string {
    const file = path.join(dir, 'chain.json');
    writeFileSync(file, JSON.stringify({ role: 'devnet', stateDir: path.join(dir, 'state'), ...settings }));
    return file;
}

const startChain = (config: string) =>
    RoleProcess.start({ name: 'chain', args: ['devnet', '--config', config], logFile });

function isAlive(pid: number): boolean {
    try {
        return process.kill(pid, 0);
    } catch {
        return false;
    }
}

test('a role that cannot start ends, and its reason is told', async () => {
    const failed = startChain(configFile({ listen: { port: 0 }, noSuchSetting: 1 }));
    await expect(failed).rejects.toMatchObject({
        code: 'process_failed',
        message: expect.stringMatching(/exit code 2[\s\S]*noSuchSetting/) as string,
    });
});

test('a role whose launcher was killed stops, and its state is free for the next', async () => {
    const config = configFile({ listen: { port: 0 } });
    const launcher = spawn(
        process.execPath,
        [...typescriptNode, path.join(__dirname, 'launch-role.ts'), 'devnet', config, logFile],
        { stdio: ['ignore', 'pipe', 'inherit'] },
    );
    const [line] = (await once(launcher.stdout, 'data')) as [Buffer];
    const pid = Number(line.toString('utf8'));
    expect(isAlive(pid)).toBe(true);
    launcher.kill('SIGKILL');
    for (let attempt = 0; isAlive(pid) && attempt < 200; attempt++)
        await new Promise((resolve) => setTimeout(resolve, 100));
    expect(isAlive(pid)).toBe(false);
    const next = await startChain(config);
    expect(next.url).toMatch(/^http:/);
    await next.stop('SIGKILL');
    const afterCrash = await startChain(config);
    await afterCrash.stop();
    expect(afterCrash.running).toBe(false);
}, 120_000);
