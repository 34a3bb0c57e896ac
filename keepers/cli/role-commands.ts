import type { Command } from 'commander';
import type { NodeConfig } from '../config';
import type { NodeTee } from '../node';
import { runRole, type RoleOptions } from './roles';

/** Every keeper as a command of its own. Modules load when their role runs: a gateway needs no engine, a node no sandbox. */
export function addRoleCommands(program: Command): void {
    role(
        program,
        'gateway',
        'serve the OpenAI API on this machine; verify, encrypt and pay for you',
        async (options) => {
            const { startGateway } = require('../gateway') as typeof import('../gateway');
            await runRole('gateway', options, async (config, logger) => {
                const { url, stop } = await startGateway(config, logger);
                return { facts: { url }, stop };
            });
        },
    );
    role(program, 'dispatcher', 'relay sealed requests between gateways and nodes', async (options) => {
        const { startDispatcher } = require('../dispatcher') as typeof import('../dispatcher');
        await runRole('dispatcher', options, async (config, logger) => {
            const { url, stop } = await startDispatcher(config, logger);
            return { facts: { url }, stop };
        });
    });
    role(program, 'settler', 'settle receipts on chain while it is worth it', async (options) => {
        const { startSettler } = require('./settler') as typeof import('./settler');
        await runRole('settler', options, startSettler);
    });
    role(program, 'node', 'run inference in a TEE and earn TON', async (options) => {
        const { startNode } = require('../node') as typeof import('../node');
        await runRole('node', options, async (config, logger) => {
            const { nodeKey, stop } = await startNode(config, await teeOf(config), logger);
            return { facts: { nodeKey: nodeKey.toString('hex') }, stop };
        });
    });
    role(program, 'devnet', 'run a local TON chain with faucet, time warp and a simulated TEE', async (options) => {
        const { startDevnet } = require('../devnet') as typeof import('../devnet');
        await runRole('devnet', options, startDevnet);
    });
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

/** A simulated TEE is chosen by configuration, but only a network deployed under its root believes it. */
async function teeOf(config: NodeConfig): Promise<NodeTee> {
    if (config.tee.kind === 'configfs-tsm') {
        const { configfsTsmTee } = require('./tdx-tee') as typeof import('./tdx-tee');
        return configfsTsmTee(config.tee.reportPath);
    }
    const { createSimulatedTee } = require('../devnet/simulated-tee') as typeof import('../devnet/simulated-tee');
    const { readSeedFile } = require('../config') as typeof import('../config');
    const tee = createSimulatedTee({
        pkiSeed: readSeedFile(config.tee.pkiSeedFile),
        platform: config.tee.platform,
        now: new Date(),
    });
    return { quotes: tee, imageId: tee.imageId };
}
