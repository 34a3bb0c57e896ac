import { z } from 'zod';
import { CollateralService, PcsClient } from '../attestation';
import { CocoonError, type Logger, systemClock } from '../base';
import { chainClientOf, readPinnedDeployment, walletKeyFromSeed } from '../chain';
import { readSeedFile, type RegistrarConfig } from '../config';
import { openSender } from '../outbox';
import { QuoteVerifier } from '../../wrappers';
import { RegistrarMetrics, type RoleTelemetry, watchChain, watchGasWallet, watchOutbox } from '../telemetry';
import { CollateralKeeper } from './collateral-keeper';

export interface RunningRegistrar {
    verifier: string;
    stop(): Promise<void>;
}

/** A posting asks for about one TON and gives most of it back. */
const defaultGasLowNano = 2_000_000_000n;

/** Composition root of the registrar process. Ready once everything was looked at for the first time. */
export async function startRegistrar(
    config: RegistrarConfig,
    logger: Logger,
    telemetry: RoleTelemetry,
): Promise<RunningRegistrar> {
    const deployment = await readPinnedDeployment(config.deploymentFile);
    if (deployment.quoteVerifier === null) {
        throw new CocoonError('verifier_missing', 'the network has no quote verifier yet: finish deploy-network', {
            action: 'fix',
        });
    }
    const client = chainClientOf(config.chain, { logger, kind: deployment.kind });
    watchChain(telemetry, client.health);
    const { sender, close } = openSender({
        client,
        key: walletKeyFromSeed(readSeedFile(config.gasWalletFile)),
        kind: config.gasWalletKind,
        pollIntervalMs: config.chain.pollIntervalMs,
        outbox: { file: config.outboxFile ?? `${config.gasWalletFile}.outbox.sqlite` },
        retentionHours: config.retentionHours,
        logger,
    });
    const metrics = new RegistrarMetrics(telemetry.registry);
    watchGasWallet(telemetry, sender.wallet, config.gasLowNano ?? defaultGasLowNano);
    watchOutbox(telemetry, sender);
    const keeper = new CollateralKeeper({
        client,
        sender,
        verifier: client.open(QuoteVerifier.createFromAddress(deployment.quoteVerifier)),
        service: new CollateralService({ client: new PcsClient({ baseUrl: config.collateral.url }) }),
        families: config.families,
        renewBeforeMs: config.renewBeforeSec * 1000,
        alarmBeforeMs: config.alarmBeforeSec * 1000,
        intervalMs: config.intervalMs,
        metrics,
        clock: systemClock,
        logger,
    });
    watchKeeper(keeper, metrics, telemetry);
    await keeper.keepOnce();
    keeper.start();
    const stop = async () => {
        await keeper.stop();
        await close();
        await client.close();
    };
    return { verifier: deployment.quoteVerifier.toString(), stop };
}

function watchKeeper(keeper: CollateralKeeper, metrics: RegistrarMetrics, telemetry: RoleTelemetry): void {
    telemetry.readiness.add('collateral_expired', () => {
        const first = metrics.firstExpiry;
        return first !== null && first.getTime() <= Date.now()
            ? `collateral on chain ran out at ${first.toISOString()}: quotes of its family are refused`
            : null;
    });
    telemetry.addStatus('collateral', () => ({ firstExpiry: metrics.firstExpiry?.toISOString() ?? null }));
    telemetry.addAct('check', {
        description: 'look at every family now and post what is due',
        body: z.strictObject({}),
        run: () => keeper.keepOnce(),
    });
}
