import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import type { ReplicaArguments } from './terms';
import { typescriptNode } from '../support/typescript-node';

/** A replica that can be killed, stopped and started again on its port. */
export class Replica {
    private child: ChildProcess | undefined;

    constructor(private readonly wanted: ReplicaArguments) {}

    get url(): string {
        return `http://127.0.0.1:${this.wanted.port}`;
    }

    async start(): Promise<void> {
        const script = path.join(__dirname, 'replica-process.ts');
        const child = spawn(process.execPath, [...typescriptNode, script, JSON.stringify(this.wanted)], {
            stdio: ['ignore', 'pipe', 'inherit'],
        });
        this.child = child;
        const gone = once(child, 'exit').then(() =>
            Promise.reject(new Error(`replica ${this.wanted.id} did not start`)),
        );
        await Promise.race([once(child.stdout, 'data'), gone]);
        gone.catch(() => undefined);
    }

    /** @param signal `SIGKILL`: as if the machine had died; `SIGTERM`: as an operator restarts it */
    async end(signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
        const { child } = this;
        if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
        const exited = once(child, 'exit');
        child.kill(signal);
        await exited;
    }
}
