import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import { typescriptNode } from '../support/typescript-node';

const root = path.resolve(__dirname, '../..');

async function bench(...args: string[]): Promise<{ code: number; out: string; complaint: string }> {
    const command = [...typescriptNode, 'tests/bench/main.ts', ...args];
    try {
        const { stdout, stderr } = await promisify(execFile)(process.execPath, command, { cwd: root });
        return { code: 0, out: stdout, complaint: stderr };
    } catch (error) {
        const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string };
        return { code, out: stdout, complaint: stderr };
    }
}

describe('npm run bench', () => {
    it('names the benches, and each of them its options', async () => {
        const { out } = await bench('--help');
        const names = out.trim().split(': ')[1]!.split(', ');
        expect(names).toEqual(expect.arrayContaining(['attestation', 'capacity', 'gateway', 'ledger']));
        const all = await Promise.all(names.map((name) => bench(name, '--help')));
        all.forEach((help, i) => {
            expect(help).toMatchObject({ code: 0, complaint: '' });
            expect(help.out).toMatch(new RegExp(`^npm run bench -- ${names[i]} .*--json`, 's'));
        });
    }, 180_000);

    it('refuses an option that a bench does not have, and says which it has', async () => {
        const { code, complaint } = await bench('ledger', '--colour');
        expect(code).toBe(2);
        expect(complaint).toMatch(/--colour.*--lanes VALUE/s);
    }, 180_000);
});
