import type { Command } from 'commander';
import { addNodeCommand } from './node-commands';
import type { RoleOptions } from './roles';
import type { SettleOptions } from './settle-command';

/** Every keeper as a command of its own. Modules load when their role runs: a gateway needs no engine, a node no sandbox. */
export function addRoleCommands(program: Command): void {
    role(
        program,
        'gateway',
        'serve the OpenAI API on this machine; verify, encrypt and pay for you',
        async (options) => {
            const { startGateway } = require('../gateway') as typeof import('../gateway');
            await roles().runRole('gateway', options, async (config, logger, telemetry) => {
                const gateway = await startGateway(config, logger, telemetry);
                return { facts: { url: gateway.url }, stop: () => gateway.stop() };
            });
        },
    );
    role(program, 'dispatcher', 'relay sealed requests between gateways and nodes', async (options) => {
        const { startDispatcher } = require('../dispatcher') as typeof import('../dispatcher');
        await roles().runRole('dispatcher', options, async (config, logger, telemetry) => {
            const dispatcher = await startDispatcher(config, logger, telemetry);
            return { facts: { url: dispatcher.url }, stop: () => dispatcher.stop() };
        });
    });
    role(program, 'settler', 'settle receipts on chain while it is worth it', async (options) => {
        const { startSettler } = require('./settler') as typeof import('./settler');
        await roles().runRole('settler', options, startSettler);
    });
    program
        .command('watchdog')
        .description('do what anyone may do for a hub: revocations, contradictions, refunds, closes near their end')
        .option(
            '-c, --config <file>',
            'JSON file with settings; COCOON__SECTION__SETTING in the environment overrides it',
        )
        .option('--dry-run', 'look once, print what would be sent as one JSON object, and send nothing')
        .action(async (options: RoleOptions & { dryRun?: boolean }) => {
            const { runWatchdogDryRun, startWatchdog } = require('./watchdog') as typeof import('./watchdog');
            await (options.dryRun ? runWatchdogDryRun(options) : roles().runRole('watchdog', options, startWatchdog));
        });
    program
        .command('settle')
        .description('settle once, now; with --force also what is worth less than its gas')
        .option('-c, --config <file>', 'the settler’s configuration')
        .option('--force', 'settle everything that is owed, whatever it costs')
        .option('--json', 'print one JSON object')
        .action(async (options: SettleOptions) => {
            const { runSettleCommand } = require('./settle-command') as typeof import('./settle-command');
            await runSettleCommand(options);
        });
    addNodeCommand(program);
    role(program, 'registrar', 'keep Intel’s collateral on chain in force', async (options) => {
        const { startRegistrar } = require('../registrar') as typeof import('../registrar');
        await roles().runRole('registrar', options, async (config, logger, telemetry) => {
            const registrar = await startRegistrar(config, logger, telemetry);
            return { facts: { verifier: registrar.verifier }, stop: () => registrar.stop() };
        });
    });
    role(program, 'devnet', 'run a local TON chain with faucet, time warp and a simulated TEE', async (options) => {
        const { startDevnet } = require('../devnet') as typeof import('../devnet');
        await roles().runRole('devnet', options, startDevnet);
    });
}

/** Telemetry and configuration of a role: no other command needs them. */
function roles() {
    return require('./roles') as typeof import('./roles');
}

function role(program: Command, name: string, description: string, act: (options: RoleOptions) => Promise<void>): void {
    program
        .command(name)
        .description(description)
        .option(
            '-c, --config <file>',
            'JSON file with settings; COCOON__SECTION__SETTING in the environment overrides it',
        )
        .action(act);
}
