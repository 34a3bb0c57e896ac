import { Command, Option } from 'commander';
import { errorMessage } from '../../base';
import { type DevnetChainOptions } from './options';
import { startDevnetChain } from './start';

/** `node --require ./keepers/cli/typescript-sources.cjs keepers/devnet/chain/main.ts`: the chain alone, as a process. Prints one JSON line when it serves. */
const program = new Command('devnet-chain')
    .description('A TON development network with the HTTP API of toncenter (v2) and that of TonClient4 (v4)')
    .option('--host <address>', 'address to listen on', '127.0.0.1')
    .option('--port <number>', 'port to listen on, 0 for any', Number, 8081)
    .option('--v4-port <number>', 'a port of its own for the API of TonClient4, 0 for any', Number)
    .option('--state-dir <path>', 'where the chain is kept (default: memory)')
    .option('--seed <text>', 'names the network')
    .option('--supply-nano <amount>', 'everything that exists', BigInt)
    .option('--start-time-sec <unix time>', 'time of the first block', Number)
    .option('--snapshot-every <messages>', 'messages between two snapshots', Number)
    .addOption(new Option('--fee-config <name>', 'prices').choices(['sandbox', 'mainnet-2026']))
    .addOption(new Option('--time <mode>', 'manual: time moves by warp only').choices(['wall', 'manual']));

async function main(): Promise<void> {
    const running = await startDevnetChain(program.parse().opts<DevnetChainOptions>());
    const { url, endpoint, endpointV4, faucetAddress } = running;
    process.stdout.write(
        `${JSON.stringify({ ready: true, role: 'chain', url, endpoint, endpointV4, faucetAddress })}\n`,
    );
    const stop = () => void running.close().then(() => process.exit(0));
    process.once('SIGINT', stop);
    process.once('SIGTERM', stop);
}

main().catch((error: unknown) => {
    process.stderr.write(`devnet-chain: ${errorMessage(error)}\n`);
    process.exitCode = 2;
});
