import {
    type ChainClient,
    chainClientOf,
    type Deployment,
    NetworkReader,
    readPinnedDeployment,
    walletKeyFromSeed,
} from '../chain';
import { backgroundClock, type Logger } from '../base';
import { ledgerPlaceOf, readSeedFile, type SettlerConfig, type WatchdogConfig } from '../config';
import { type DispatchLedger, LedgerUse, openDispatchLedger } from '../ledger';
import { openSender, type OutboxSender } from '../outbox';
import { type LedgerMetrics, type RoleTelemetry, watchChain, watchGasWallet, watchOutbox } from '../telemetry';

/** What settler and watchdog work with: the chain, receipts, and a wallet with an outbox. */
export interface SettlingKeeper {
    deployment: Deployment;
    client: ChainClient;
    reader: NetworkReader;
    /** Absent where receipts come from the logs of nodes. */
    ledger: DispatchLedger | undefined;
    sender: OutboxSender;
    close: () => Promise<void>;
}

export async function openSettlingKeeper(
    config: SettlerConfig | WatchdogConfig,
    logger: Logger,
    ledgerMetrics?: LedgerMetrics,
): Promise<SettlingKeeper> {
    const deployment = await readPinnedDeployment(config.deploymentFile);
    const client = chainClientOf(config.chain, { logger, kind: deployment.kind });
    const place = ledgerPlaceOf(config);
    const ledger = place && (await openDispatchLedger({ ...place, ...ledgerMetrics?.hooks }));
    const use = ledger && new LedgerUse({ leases: ledger.leases, role: config.role, clock: backgroundClock, logger });
    await use?.start();
    const { sender, close } = openSender({
        client,
        key: walletKeyFromSeed(readSeedFile(config.gasWalletFile)),
        kind: config.gasWalletKind,
        pollIntervalMs: config.chain.pollIntervalMs,
        retentionHours: config.retentionHours,
        logger,
        outbox: ledger?.outbox ?? { file: outboxFileOf(config) },
    });
    const closeAll = async () => {
        await close();
        await use?.stop();
        await ledger?.close();
        await client.close();
    };
    const reader = new NetworkReader({ client, registry: deployment.registry });
    return { deployment, client, reader, ledger, sender, close: closeAll };
}

/** A batch of ten lines asks for about half a TON and gives most of it back; so does the dearest act of a watchdog. */
const defaultGasLowNano = 1_000_000_000n;

/** What settler and watchdog show of their access to the chain. */
export function watchSender(
    telemetry: RoleTelemetry,
    { client, sender }: Pick<SettlingKeeper, 'client' | 'sender'>,
    { gasLowNano = defaultGasLowNano }: SettlerConfig | WatchdogConfig,
): void {
    watchChain(telemetry, client.health);
    watchGasWallet(telemetry, sender.wallet, gasLowNano);
    watchOutbox(telemetry, sender);
}

/** Of a keeper without a ledger, which else has its outbox. */
export function outboxFileOf(config: SettlerConfig | WatchdogConfig): string {
    const { role, outboxFile, nodeLogFiles, gasWalletFile } = config;
    return outboxFile ?? `${nodeLogFiles[0] ?? gasWalletFile}.${role}-outbox.sqlite`;
}
