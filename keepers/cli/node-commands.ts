import type { Command } from 'commander';
import type { EarningsOptions } from './provider/earnings';
import type { NodeCommandOptions } from './provider/node-context';
import type { SetPricesOptions } from './provider/set-prices';
import type { StatusOptions } from './provider/status';
import { finish } from './finish';
import type { RoleOptions } from './roles';

const configHelp = 'JSON file with settings; COCOON__SECTION__SETTING in the environment overrides it';

/** `cocoon node` runs a node; below it is what its provider asks about it, while it runs and when it doesn't. */
export function addNodeCommand(program: Command): void {
    // Otherwise the options of the subcommands would be taken for those of the node itself.
    const node = program
        .enablePositionalOptions()
        .command('node')
        .description('run inference in a TEE and earn TON; its subcommands help the provider')
        .enablePositionalOptions()
        .option('-c, --config <file>', configHelp)
        .action(runNode);
    addDoctor(node);
    addStatus(node);
    addEarnings(node);
    addSetPrices(node);
}

async function runNode(options: RoleOptions): Promise<void> {
    const { startNode } = require('../node') as typeof import('../node');
    const { gpusOf } = require('./node-gpu-source') as typeof import('./node-gpu-source');
    const { teeOf } = require('./node-tee') as typeof import('./node-tee');
    const { runRole } = require('./roles') as typeof import('./roles');
    await runRole('node', options, async (config, logger, telemetry) => {
        const tee = { ...(await teeOf(config)), gpus: gpusOf(config) };
        const node = await startNode(config, tee, { logger, telemetry });
        return { facts: { nodeKey: node.nodeKey.toString('hex') }, stop: () => node.stop() };
    });
}

function addDoctor(node: Command): void {
    node.command('doctor')
        .description('check everything that a node needs, with what to do about each: 0 all fine, 1 something fails')
        .option('-c, --config <file>', configHelp)
        .option('--json', 'print one JSON object')
        .action((options: NodeCommandOptions) =>
            finish(() => {
                const { runDoctor } = require('./provider/doctor') as typeof import('./provider/doctor');
                return runDoctor(options);
            }),
        );
}

function addStatus(node: Command): void {
    node.command('status')
        .description('what the node does, and why it has no work: 0 takes requests, 1 does not')
        .option('-c, --config <file>', configHelp)
        .option(
            '--collateral-url <url>',
            'judge its evidence by this service: a development network’s; Intel’s where the network is a production one',
        )
        .option('--json', 'print one JSON object')
        .action((options: StatusOptions) =>
            finish(() => {
                const { runStatus } = require('./provider/status') as typeof import('./provider/status');
                return runStatus(options);
            }),
        );
}

function addEarnings(node: Command): void {
    node.command('earnings')
        .description('what was earned, settled and can be claimed; with --estimate what a day would bring')
        .option('-c, --config <file>', configHelp)
        .option('--estimate', 'from live prices and utilisation, less what messages on chain cost')
        .option('--measure', 'the estimate, with the configured engine kept busy for ten seconds in place of a guess')
        .option('--model <name>', 'of the estimate; the node’s first unless given')
        .option('--tokens-per-second <n>', 'output tokens of the whole node when it is full')
        .option(
            '--utilisation <share>',
            'share of the day in which it is, 0 to 1; the network’s present one unless given',
        )
        .option('--input-ratio <n>', 'input tokens for each output token', '3')
        .option('--fees <prices>', 'mainnet-2026 or sandbox; what the network’s kind suggests unless given')
        .option('--json', 'print one JSON object')
        .action((options: EarningsOptions) =>
            finish(() => {
                const { runEarnings } = require('./provider/earnings') as typeof import('./provider/earnings');
                return runEarnings(options);
            }),
        );
}

function addSetPrices(node: Command): void {
    node.command('set-prices')
        .description('publish a signed offer with new prices, TON a million tokens, without a restart')
        .option('-c, --config <file>', configHelp)
        .requiredOption('--model <name>', 'as the node offers it')
        .option('--input <ton>', 'prompt tokens; those not named stay as they are')
        .option('--cached-input <ton>', 'prompt tokens that the engine finds in its cache')
        .option('--output <ton>', 'completion tokens')
        .option('--reasoning <ton>', 'completion tokens spent on reasoning')
        .option('--dry-run', 'show what would change, write nothing')
        .option('--json', 'print one JSON object')
        .action((options: SetPricesOptions) =>
            finish(() => {
                const { runSetPrices } = require('./provider/set-prices') as typeof import('./provider/set-prices');
                return runSetPrices(options);
            }),
        );
}
