import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { typescriptNode } from '../../support/typescript-node';

const root = path.join(__dirname, '../../..');
const onUnix = process.platform === 'win32' ? test.skip : test;

/** Runs a script that ends by itself; it has the module as `debugging`, and `signalled` says whether a debugger opened. */
function run(script: string, nodeOptions: string[] = []) {
    const module = JSON.stringify(path.join(root, 'keepers/base/debugger-signal.ts'));
    const source = `
        const debugging = require(${module});
        const signalled = async () => {
            process.kill(process.pid, 'SIGUSR1');
            // The debugger opens on another thread, which is given time; a port of its own keeps other runs out.
            for (let look = 0; look < 40 && require('inspector').url() === undefined; look++)
                await new Promise((resolve) => setTimeout(resolve, 50));
            return require('inspector').url() !== undefined;
        };
        const code = () => { try { debugging.forbidDebugger(); } catch (error) { return error.code; } };
        (async () => console.log(JSON.stringify(await (${script})())))();`;
    const args = [...typescriptNode, '--inspect-port=127.0.0.1:0', ...nodeOptions, '-e', source];
    return JSON.parse(spawnSync(process.execPath, args, { encoding: 'utf8', cwd: root }).stdout) as unknown;
}

onUnix('SIGUSR1 opens a debugger in a Node that knows nothing of this, and none afterwards', () => {
    expect(run('signalled')).toBe(true);
    expect(run('async () => { code(); return signalled(); }')).toBe(false);
});

test('a process that has a debugger already is refused its start', () => {
    expect(run('code', ['--inspect=127.0.0.1:0'])).toBe('debugger_open');
});
