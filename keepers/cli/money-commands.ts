import { type Command, Option } from 'commander';
import { finish } from './finish';
import type { GatewayGetOptions } from './gateway-get';
import type { ReceiptsOptions } from './receipts-command';

const localGateway = 'http://127.0.0.1:8787';

/** What a gateway paid, and what it would pay now. */
export function addMoneyCommands(program: Command): void {
    program
        .command('receipts')
        .description('list, export or verify what a gateway paid for')
        .option('--url <url>', 'of the gateway', localGateway)
        .option('--api-key-file <file>', 'API key, where the gateway asks for one')
        .option('--from <date>', 'only requests from this ISO date on')
        .option('--to <date>', 'only requests before this ISO date')
        .option('--model <model>', 'only of this model')
        .option('--key <name>', 'only of this API key')
        .addOption(new Option('--format <format>').choices(['text', 'jsonl', 'csv']).default('text'))
        .option('--verify', 'judge each receipt offline: 0 all hold, 1 one is wrong, 2 one could not be judged whole')
        .action((options: ReceiptsOptions) =>
            finish(() => {
                const { runReceipts } = require('./receipts-command') as typeof import('./receipts-command');
                return runReceipts(options);
            }),
        );
    program
        .command('prices')
        .description('what the verified nodes behind a gateway ask now')
        .option('--url <url>', 'of the gateway', localGateway)
        .option('--api-key-file <file>', 'API key, where the gateway asks for one')
        .option('--json', 'print one JSON array')
        .action((options: GatewayGetOptions & { json?: boolean }) =>
            finish(() => {
                const { runPrices } = require('./prices-command') as typeof import('./prices-command');
                return runPrices(options);
            }),
        );
}
