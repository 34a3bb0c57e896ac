import { spawn } from 'node:child_process';
import path from 'node:path';
import { typescriptNode } from '../../support/typescript-node';

export interface KilledWriter {
    /** A file beside this one, and what it is told. */
    script: string;
    args: readonly string[];
    /** Of all that it has said so far: whether it may be killed from now on. */
    isUnderWay: (output: string) => boolean;
    /** It is killed at random within this time. */
    withinMs: number;
}

/** Runs a writer, kills it at random once it is under way; gives the lines by which it acknowledged what it wrote. */
export function writeUntilKilled({ script, args, isUnderWay, withinMs }: KilledWriter): Promise<string[]> {
    const child = spawn(process.execPath, [...typescriptNode, path.join(__dirname, script), ...args], {
        stdio: ['ignore', 'pipe', 'pipe'],
    });
    return new Promise((resolve, reject) => {
        let output = '';
        let complaint = '';
        let timer: NodeJS.Timeout | undefined;
        child.stderr.on('data', (chunk: Buffer) => (complaint += chunk.toString()));
        child.stdout.on('data', (chunk: Buffer) => {
            output += chunk.toString();
            if (isUnderWay(output)) timer ??= setTimeout(() => child.kill('SIGKILL'), Math.random() * withinMs);
        });
        child.on('close', (_code, signal) => {
            if (signal !== 'SIGKILL') return reject(new Error(`writer ended by itself: ${complaint}`));
            // The last line may have been cut by the kill.
            resolve(output.split('\n').slice(0, -1));
        });
    });
}
