import type { Command } from 'commander';
import type { StartCommandOptions } from './start-command';

/** The whole network on this machine: for a first look, and for development. */
export function addNetworkCommands(program: Command): void {
    program
        .command('demo')
        .description(
            'run the whole network on this machine, pay for real answers, settle, withdraw, and account for it',
        )
        .option('--json', 'print one JSON object on standard output and nothing else')
        .option('--keep', 'keep the network’s files and say where they are')
        .action(async (options: { json?: boolean; keep?: boolean }) => {
            const { runDemoCommand } = require('./demo-command') as typeof import('./demo-command');
            await runDemoCommand(options);
        });
    program
        .command('start')
        .description('bring the whole network up on this machine and keep it up, for any OpenAI client')
        .option('--port <port>', 'port of the gateway', '8787')
        .option('--dir <dir>', 'where the network is kept', '.cocoon/local')
        .option('--fees <config>', 'sandbox, or mainnet-2026 for the six-times-lower fees', 'sandbox')
        .option('--deposit <ton>', 'what the client puts into its escrow when it is opened', '20')
        .option(
            '--both-apis',
            'keepers read the chain by toncenter’s API and by TonClient4’s, and believe what both say',
        )
        .action(async (options: StartCommandOptions) => {
            const { runStartCommand } = require('./start-command') as typeof import('./start-command');
            await runStartCommand(options);
        });
}
