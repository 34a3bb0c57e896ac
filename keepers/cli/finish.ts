import { CocoonError, errorMessage } from '../base';
import type { CommandResult } from './verify-quote-command';

/** Any failure is exit code 2 here, also one that may pass: 1 says that something was looked at and found wanting, nothing else. */
export async function finish(run: () => Promise<CommandResult>): Promise<void> {
    try {
        const { output, exitCode } = await run();
        process.stdout.write(`${output}\n`);
        process.exitCode = exitCode;
    } catch (error) {
        const stack = error instanceof Error ? (error.stack ?? error.message) : errorMessage(error);
        const text = error instanceof CocoonError ? `${error.message} (${error.code})` : stack;
        process.stderr.write(`cocoon: ${text}\n`);
        process.exitCode = 2;
    }
}
