import { execFileSync, spawn } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Bindings } from './compiler';
import type { Stage } from './infected-stages';

export type TestOutcome = 'passed' | 'failed' | 'timed out';

export interface TestRun {
    outcome: TestOutcome;
    /** full name of the first test that failed */
    failed: string | null;
    /** the file it is in */
    spec: string | null;
}

const copied = ['contracts', 'wrappers', 'keepers', 'tests', 'package.json', 'jest.config.cjs', 'tact.config.json'];

/** A copy of the repository in which one mutant at a time lives, under the repository's own node_modules. */
export class Workplace {
    /** bindings that are not those of the unchanged contracts */
    private changed: string[] = [];

    private constructor(
        private readonly folder: string,
        private readonly root: string,
        private readonly original: Bindings,
    ) {}

    static create(root: string, name: string, original: Bindings): Workplace {
        const folder = path.join(root, '.cache', 'mutation', name);
        rmSync(folder, { recursive: true, force: true });
        const listed = execFileSync('git', ['ls-files', '-co', '--exclude-standard', '--', ...copied], {
            cwd: root,
            encoding: 'utf8',
        });
        for (const file of listed.split('\n').filter((line) => line !== '' && existsSync(path.join(root, line)))) {
            cpSync(path.join(root, file), path.join(folder, file));
        }
        const workplace = new Workplace(folder, root, original);
        workplace.write(original);
        return workplace;
    }

    /** Puts the bindings in place; what an earlier mutant changed is as it was. */
    put(bindings: Bindings): void {
        this.restore();
        this.write(bindings);
        this.changed = [...bindings.keys()];
    }

    /** Back to the unchanged contracts. */
    restore(): void {
        this.write(new Map(this.changed.map((file) => [file, this.original.get(file)!])));
        this.changed = [];
    }

    async test({ files, names }: Stage, timeLimitMs: number): Promise<TestRun> {
        const args = ['--config', 'tests/mutation/jest.config.cjs', '--runInBand', '--silent', '--bail', '--forceExit'];
        if (names !== null) args.push('-t', names);
        const { exitCode, said } = await this.jest([...args, '--runTestsByPath', ...files], timeLimitMs);
        if (exitCode === null) return { outcome: 'timed out', failed: null, spec: null };
        if (exitCode === 0) return { outcome: 'passed', failed: null, spec: null };
        const { isLate, ...failure } = failureIn(said, exitCode);
        return { outcome: isLate ? 'timed out' : 'failed', ...failure };
    }

    /** What instrumented contracts say during each test of a spec, as infection-environment.cjs writes it. */
    async signalsOf(spec: string, timeLimitMs: number): Promise<string> {
        const file = path.join(this.folder, `${spec.replaceAll('/', '-')}.signals`);
        writeFileSync(file, '');
        const args = ['--config', 'tests/mutation/jest.infection.cjs', '--runInBand', '--silent', '--forceExit'];
        const { exitCode, said } = await this.jest([...args, '--runTestsByPath', spec], timeLimitMs, file);
        const lines = readFileSync(file, 'utf8');
        if (exitCode === null || lines === '') throw new Error(`${spec} ran no test: ${said.slice(-2000)}`);
        return lines;
    }

    private write(bindings: Bindings): void {
        for (const [file, text] of bindings) {
            const full = path.join(this.folder, file);
            mkdirSync(path.dirname(full), { recursive: true });
            writeFileSync(full, text);
        }
    }

    /** The exit code is null when it had to be ended. */
    private jest(
        args: string[],
        timeLimitMs: number,
        signals = '',
    ): Promise<{ exitCode: number | null; said: string }> {
        const bin = path.join(this.root, 'node_modules', 'jest', 'bin', 'jest.js');
        const vectors = process.env.COCOON_VECTORS ?? path.join(this.root, '..', 'shared', 'vectors');
        const child = spawn(process.execPath, [bin, ...args], {
            cwd: this.folder,
            stdio: ['ignore', 'ignore', 'pipe'],
            env: { ...process.env, COCOON_VECTORS: vectors, COCOON_SIGNALS: signals },
        });
        let said = '';
        child.stderr.on('data', (chunk: Buffer) => {
            said = (said + chunk.toString()).slice(-100_000);
        });
        return new Promise((resolve, reject) => {
            const timer = setTimeout(() => child.kill('SIGKILL'), timeLimitMs);
            child.once('error', reject);
            child.once('close', (exitCode) => {
                clearTimeout(timer);
                resolve({ exitCode, said });
            });
        });
    }
}

interface Failure {
    failed: string;
    spec: string | null;
    /** past jest's limit for one test */
    isLate: boolean;
}

/** What first-failure-environment.cjs says; a file that fails as a whole is told by jest as "  ● group › test". */
function failureIn(said: string, exitCode: number): Failure {
    const line = /^\{"failed":.*\}$/m.exec(said);
    if (line !== null) return JSON.parse(line[0]) as Failure;
    const failed = /^ {2}● (.+)$/m.exec(said);
    if (failed === null) throw new Error(`jest ended with ${exitCode}: ${said.slice(-2000)}`);
    return { failed: failed[1]!, spec: /^FAIL (\S+)/m.exec(said)?.[1] ?? null, isLate: false };
}
