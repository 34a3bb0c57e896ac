import { execFileSync, spawn } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Bindings } from './compiler';

/** A mutant, by its number, and the tests of a spec that it is to meet; null: all of them. */
export interface PlannedMutant {
    mutant: number;
    names: string[] | null;
}

/** What came of it: the first test that failed. */
export interface MutantFate {
    mutant: number;
    killer: string | null;
}

const copied = ['contracts', 'wrappers', 'keepers', 'tests', 'package.json', 'jest.config.cjs', 'tact.config.json'];

/** A copy of the repository whose contracts have all mutants in them, under the repository's own node_modules. */
export class Workplace {
    private constructor(
        private readonly folder: string,
        private readonly root: string,
    ) {}

    static create(root: string, bindings: Bindings): Workplace {
        const folder = path.join(root, '.cache', 'mutation', 'workplace');
        rmSync(folder, { recursive: true, force: true });
        const listed = execFileSync('git', ['ls-files', '-co', '--exclude-standard', '--', ...copied], {
            cwd: root,
            encoding: 'utf8',
        });
        for (const file of listed.split('\n').filter((line) => line !== '' && existsSync(path.join(root, line)))) {
            cpSync(path.join(root, file), path.join(folder, file));
        }
        for (const [file, text] of bindings) {
            const full = path.join(folder, file);
            mkdirSync(path.dirname(full), { recursive: true });
            writeFileSync(full, text);
        }
        return new Workplace(folder, root);
    }

    /** Which mutants each test of a spec would make a difference for, as infection-environment.cjs writes it. */
    async signalsOf(spec: string, timeLimitMs: number): Promise<string> {
        const file = this.fileFor(spec, 'signals');
        return this.jest('jest.infection.cjs', spec, {
            limitMs: timeLimitMs,
            output: file,
            env: { COCOON_SIGNALS: file },
        });
    }

    /** Runs the spec's tests under each mutant of the plan. A mutant without a fate was not reached in time. */
    async fatesOf(spec: string, planned: readonly PlannedMutant[], timeLimitMs: number): Promise<MutantFate[]> {
        const [plan, file] = [this.fileFor(spec, 'plan'), this.fileFor(spec, 'fates')];
        writeFileSync(plan, JSON.stringify(planned));
        const env = { COCOON_PLAN: plan, COCOON_FATES: file };
        const lines = await this.jest('jest.mutants.cjs', spec, { limitMs: timeLimitMs, output: file, env });
        return lines
            .split('\n')
            .filter((line) => line !== '')
            .map((line) => JSON.parse(line) as MutantFate);
    }

    private fileFor(spec: string, what: string): string {
        return path.join(this.folder, `${spec.replaceAll('/', '-')}.${what}`);
    }

    /** @returns what the environment wrote into `output` */
    private async jest(
        config: string,
        spec: string,
        { limitMs, output, env }: { limitMs: number; output: string; env: Record<string, string> },
    ): Promise<string> {
        writeFileSync(output, '');
        const bin = path.join(this.root, 'node_modules', 'jest', 'bin', 'jest.js');
        const args = ['--config', `tests/mutation/${config}`, '--runInBand', '--silent', '--forceExit'];
        const vectors = process.env.COCOON_VECTORS ?? path.join(this.root, '..', 'shared', 'vectors');
        const child = spawn(process.execPath, [bin, ...args, '--runTestsByPath', spec], {
            cwd: this.folder,
            stdio: ['ignore', 'ignore', 'pipe'],
            env: { ...process.env, COCOON_VECTORS: vectors, ...env },
        });
        let said = '';
        child.stderr.on('data', (chunk: Buffer) => {
            said = (said + chunk.toString()).slice(-2_000);
        });
        const timer = setTimeout(() => child.kill('SIGKILL'), limitMs);
        await new Promise<void>((resolve, reject) => {
            child.once('error', reject);
            child.once('close', () => resolve());
        });
        clearTimeout(timer);
        const lines = readFileSync(output, 'utf8');
        if (lines === '') throw new Error(`${spec} ran no test: ${said}`);
        return lines;
    }
}
