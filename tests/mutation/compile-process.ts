import { ChildProcess, fork } from 'node:child_process';
import path from 'node:path';
import { Bindings, CompileError } from './compiler';
import type { CompileAnswer, CompileRequest } from './compile-worker';

/** The compiler in a process of its own. One request at a time. */
export class CompileProcess {
    private readonly child: ChildProcess = fork(path.join(__dirname, 'compile-worker.ts'), [], {
        execArgv: process.execArgv,
    });

    /** @throws CompileError */
    async compile(request: CompileRequest): Promise<Bindings> {
        const answer = await this.ask(request);
        if ('error' in answer) throw new CompileError(answer.error);
        return new Map(answer.bindings);
    }

    close(): void {
        this.child.disconnect();
    }

    private ask(request: CompileRequest): Promise<CompileAnswer> {
        return new Promise((resolve, reject) => {
            const onExit = (code: number | null) => reject(new Error(`the compiler ended with ${code}`));
            this.child.once('exit', onExit);
            this.child.once('message', (answer) => {
                this.child.off('exit', onExit);
                resolve(answer as CompileAnswer);
            });
            this.child.send(request);
        });
    }
}
