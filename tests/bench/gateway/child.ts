import { type ChildProcess, fork } from 'node:child_process';
import path from 'node:path';
import { authorityFile } from './tls-files';
import { typescriptNode } from '../../support/typescript-node';

export interface Usage {
    cpuMicros: number;
    rssBytes: number;
}

export interface ChildOptions {
    name: string;
    /** A module of ours under roles/, or any script with `foreign`. */
    script: string;
    foreign?: boolean;
    args?: string[];
    execArgv?: string[];
    settings?: unknown;
}

const reporter = path.join(__dirname, 'report-usage.cjs');
const startTimeoutMs = 60_000;
const tailBytes = 4_000;

/** One process of the bench. It answers questions over its channel; its standard error is kept for when it fails. */
export class Child {
    private readonly waiting = new Map<number, (answer: unknown, failure?: string) => void>();
    private nextId = 1;
    private tail = '';

    private constructor(
        readonly name: string,
        private readonly process: ChildProcess,
    ) {
        process.on('message', (message: { id: number; answer: unknown; failure?: string }) => {
            const waiting = this.waiting.get(message.id);
            this.waiting.delete(message.id);
            waiting?.(message.answer, message.failure);
        });
        const keep = (bytes: Buffer) => (this.tail = (this.tail + bytes.toString('utf8')).slice(-tailBytes));
        process.stderr!.on('data', keep);
        process.stdout!.on('data', keep);
        process.once('exit', (code, signal) => this.failAll(`ended with ${signal ?? `code ${code}`}`));
    }

    /** Resolves with what the role says once it serves; a foreign script is only started. */
    static start(options: ChildOptions): Child {
        const { name, script, foreign = false, args = [], execArgv = [] } = options;
        const loader = foreign ? [] : typescriptNode;
        const child = fork(script, args, {
            execArgv: [...loader, '--require', reporter, ...profiling(name), ...execArgv],
            serialization: 'advanced',
            stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
            env: { ...process.env, NODE_ENV: 'production', NODE_EXTRA_CA_CERTS: authorityFile() },
        });
        return new Child(name, child);
    }

    /** A role of ours, up and serving. */
    static async startRole(
        name: string,
        role: string,
        settings: unknown = {},
    ): Promise<{ child: Child; facts: Facts }> {
        const child = Child.start({ name, script: path.join(__dirname, 'roles', `${role}.ts`) });
        try {
            return { child, facts: await child.ask<Facts>('start', settings, startTimeoutMs) };
        } catch (error) {
            child.stop();
            throw error;
        }
    }

    ask<Answer>(question: string, settings?: unknown, timeoutMs = 180_000): Promise<Answer> {
        const id = this.nextId++;
        return new Promise((resolve, reject) => {
            const fail = (failure: string) =>
                reject(new Error(`${this.name}, asked to ${question}: ${failure}\n${this.tail}`));
            const timer = setTimeout(() => fail(`silent for ${timeoutMs} ms`), timeoutMs);
            this.waiting.set(id, (answer, failure) => {
                clearTimeout(timer);
                if (failure === undefined) resolve(answer as Answer);
                else fail(failure);
            });
            if (this.process.connected) this.process.send({ id, ask: question, settings });
            else this.failAll('is gone');
        });
    }

    usage(): Promise<Usage> {
        return this.ask<Usage>('usage');
    }

    /** A profile is written on the way out, so the process is asked first. */
    stop(): void {
        if (this.process.connected) this.process.disconnect();
        setTimeout(() => this.process.kill('SIGKILL'), profiling(this.name).length > 0 ? 5_000 : 500);
    }

    private failAll(failure: string): void {
        for (const waiting of this.waiting.values()) waiting(undefined, failure);
        this.waiting.clear();
    }
}

/** What a role says of itself once it serves. */
export interface Facts {
    url: string;
    [fact: string]: unknown;
}

/** BENCH_PROFILE=name,name writes CPU profiles of those processes into the working folder's .cache/bench. */
function profiling(name: string): string[] {
    const wanted = process.env['BENCH_PROFILE']?.split(',') ?? [];
    return wanted.includes(name)
        ? ['--cpu-prof', '--cpu-prof-dir', '.cache/bench', '--cpu-prof-name', `${name}.cpuprofile`]
        : [];
}
