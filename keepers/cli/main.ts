import { Command, CommanderError } from 'commander';
import { CocoonError, errorMessage, packageVersion } from '../base';
import { addKeyFileCommands } from './key-file-commands';
import { addKeysCommands } from './keys-command';
import { addLedgerCommands } from './ledger-commands';
import { addMeasureCommand } from './measure-command';
import { addMoneyCommands } from './money-commands';
import { addNetworkCommands } from './network-commands';
import { addOperationsCommands } from './operations-commands';
import { addRoleCommands } from './role-commands';
import { addVerifyCommands } from './verify-commands';

/** Exit codes: 0 done, 1 refused or not found true, 2 unusable input or configuration. */
export async function main(argv: string[]): Promise<void> {
    const program = new Command('cocoon')
        .description('Confidential Compute Open Network: private AI compute, paid in TON')
        .version(packageVersion())
        .showHelpAfterError('(add --help for what is possible)')
        .exitOverride();
    addRoleCommands(program);
    addNetworkCommands(program);
    addVerifyCommands(program);
    addMeasureCommand(program);
    addKeysCommands(program);
    addKeyFileCommands(program);
    addMoneyCommands(program);
    addOperationsCommands(program);
    addLedgerCommands(program);
    try {
        await program.parseAsync(argv);
    } catch (error) {
        // What a role had opened before it failed (an engine, sockets) must not keep a process that serves nobody.
        process.exit(report(error));
    }
}

function report(error: unknown): number {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    if (error instanceof CocoonError) {
        process.stderr.write(`cocoon: ${error.message} (${error.code})\n`);
        return error.action === 'fix' ? 2 : 1;
    }
    const { syscall, code, address, port } = error as {
        syscall?: string;
        code?: string;
        address?: string;
        port?: number;
    };
    if (syscall === 'listen') {
        const why = code === 'EADDRINUSE' ? 'is taken by another program' : `cannot be listened on (${code})`;
        process.stderr.write(`cocoon: ${address}:${port} ${why}: choose another listen.port\n`);
        return 2;
    }
    process.stderr.write(`cocoon: ${error instanceof Error ? (error.stack ?? error.message) : errorMessage(error)}\n`);
    return 1;
}
