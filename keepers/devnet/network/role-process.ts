import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { programFile } from '../../base';
import { DevnetError } from '../errors';

const logTailLines = 12;

/** What a role prints as its only line on standard output once it serves. */
export interface ReadyLine {
    ready: true;
    role: string;
    url?: string;
    [fact: string]: unknown;
}

export interface RoleProcessOptions {
    /** For messages and the log's name, such as "node-1". */
    name: string;
    /** Arguments of `cocoon`, the role first. */
    args: string[];
    /** Standard error goes here, appended. */
    logFile: string;
    readyTimeoutMs?: number;
}

/** One keeper as a process of its own, exactly as an operator runs it. */
export class RoleProcess {
    private constructor(
        readonly options: RoleProcessOptions,
        private readonly child: ChildProcess,
        readonly ready: ReadyLine,
    ) {}

    /** @throws DevnetError when the process ends or stays silent before it is ready */
    static async start(options: RoleProcessOptions): Promise<RoleProcess> {
        const log = openSync(options.logFile, 'a', 0o600);
        // The channel carries nothing; its end tells the role that whoever started it is gone.
        const child = spawn(process.execPath, [programFile(), ...options.args], {
            stdio: ['ignore', 'pipe', log, 'ipc'],
        });
        closeSync(log);
        try {
            return new RoleProcess(options, child, await readyLine(child, options));
        } catch (error) {
            child.kill('SIGKILL');
            throw error;
        }
    }

    get pid(): number {
        return this.child.pid!;
    }

    get url(): string {
        return this.ready.url!;
    }

    get running(): boolean {
        return this.child.exitCode === null && this.child.signalCode === null;
    }

    onExit(listener: (code: number | null, signal: NodeJS.Signals | null) => void): void {
        this.child.once('exit', listener);
    }

    /** SIGTERM drains; SIGKILL is a crash. Resolves when the process is gone. */
    async stop(signal: NodeJS.Signals = 'SIGTERM', graceMs = 15_000): Promise<void> {
        if (!this.running) return;
        const gone = once(this.child, 'exit');
        this.child.kill(signal);
        const timer = setTimeout(() => this.child.kill('SIGKILL'), graceMs);
        await gone;
        clearTimeout(timer);
    }

    /** The same role with the same settings again. */
    restart(): Promise<RoleProcess> {
        return RoleProcess.start(this.options);
    }
}

function readyLine(child: ChildProcess, options: RoleProcessOptions): Promise<ReadyLine> {
    const { name, logFile, readyTimeoutMs = 90_000 } = options;
    return new Promise((resolve, reject) => {
        const fail = (code: 'process_failed' | 'process_not_ready', what: string) =>
            reject(new DevnetError(code, `${name} ${what}; the end of ${logFile}:\n${logTail(logFile)}`));
        const timer = setTimeout(
            () => fail('process_not_ready', `was not ready within ${readyTimeoutMs / 1000} s`),
            readyTimeoutMs,
        );
        child.once('exit', (code, signal) => {
            clearTimeout(timer);
            fail('process_failed', `ended with ${signal ?? `exit code ${code}`}`);
        });
        createInterface({ input: child.stdout! }).on('line', (line) => {
            const parsed = parseReady(line);
            if (parsed === undefined) return;
            clearTimeout(timer);
            resolve(parsed);
        });
    });
}

function parseReady(line: string): ReadyLine | undefined {
    try {
        const value = JSON.parse(line) as Partial<ReadyLine>;
        return value.ready === true ? (value as ReadyLine) : undefined;
    } catch {
        return undefined;
    }
}

function logTail(file: string): string {
    return readFileSync(file, 'utf8').trimEnd().split('\n').slice(-logTailLines).join('\n');
}
