import { CollateralService, PcsClient } from '../attestation';
import { CocoonError, type Logger, systemClock } from '../base';
import { chainClientOf, ChainWallet, readPinnedDeployment, walletKeyFromSeed } from '../chain';
import { readSeedFile, type RegistrarConfig } from '../config';
import { QuoteVerifier } from '../../wrappers';
import { CollateralKeeper } from './collateral-keeper';

export interface RunningRegistrar {
    verifier: string;
    stop(): Promise<void>;
}

/** Composition root of the registrar process. Ready once everything was looked at for the first time. */
export async function startRegistrar(config: RegistrarConfig, logger: Logger): Promise<RunningRegistrar> {
    const deployment = await readPinnedDeployment(config.deploymentFile);
    if (deployment.quoteVerifier === null) {
        throw new CocoonError('verifier_missing', 'the network has no quote verifier yet: finish deploy-network', {
            action: 'fix',
        });
    }
    const client = chainClientOf(config.chain);
    const keeper = new CollateralKeeper({
        client,
        wallet: new ChainWallet({
            client,
            key: walletKeyFromSeed(readSeedFile(config.gasWalletFile)),
            pollIntervalMs: config.chain.pollIntervalMs,
        }),
        verifier: client.open(QuoteVerifier.createFromAddress(deployment.quoteVerifier)),
        service: new CollateralService({ client: new PcsClient({ baseUrl: config.collateral.url }) }),
        families: config.families,
        renewBeforeMs: config.renewBeforeSec * 1000,
        alarmBeforeMs: config.alarmBeforeSec * 1000,
        intervalMs: config.intervalMs,
        clock: systemClock,
        logger,
    });
    await keeper.keepOnce();
    keeper.start();
    return { verifier: deployment.quoteVerifier.toString(), stop: () => keeper.stop() };
}
