import {
    createDevelopmentPki,
    type KdsServer,
    type NrasServer,
    type PcsServer,
    startKdsServer,
    startNrasServer,
    startPcsServer,
} from '../attestation';
import { type DevnetConfig, ensureSeedFile } from '../config';
import { startDevnetChain } from './chain';
import { simulatedGpuRoot } from './simulated-gpus';

export interface RunningDevnet {
    facts: Record<string, string | null>;
    stop(): Promise<void>;
}

/** A local TON chain and, given the seed of a development root, the services of Intel, NVIDIA and AMD under that root. */
export async function startDevnet(config: DevnetConfig): Promise<RunningDevnet> {
    const { listen, v4Port, stateDir, seed, feeConfig } = config;
    const chain = await startDevnetChain({ host: listen.host, port: listen.port, v4Port, stateDir, seed, feeConfig });
    const collateral = await startCollateral(config);
    const nras = await startNras(config);
    const kds = await startKds(config);
    return {
        facts: {
            url: chain.url,
            endpoint: chain.endpoint,
            endpointV4: chain.endpointV4,
            faucet: chain.faucetAddress,
            collateralUrl: collateral?.url ?? null,
            nrasUrl: nras?.url ?? null,
            kdsUrl: kds?.url ?? null,
        },
        stop: async () => {
            await collateral?.close();
            await nras?.close();
            await kds?.close();
            await chain.close();
        },
    };
}

async function startCollateral({ pkiSeedFile, collateralPort }: DevnetConfig): Promise<PcsServer | undefined> {
    if (pkiSeedFile === undefined) return undefined;
    const pki = createDevelopmentPki({ seed: ensureSeedFile(pkiSeedFile), now: new Date() });
    return startPcsServer({ pki, port: collateralPort });
}

async function startNras({ pkiSeedFile, nrasPort }: DevnetConfig): Promise<NrasServer | undefined> {
    if (pkiSeedFile === undefined) return undefined;
    const seed = ensureSeedFile(pkiSeedFile);
    return startNrasServer({ seed, rootPublicKey: simulatedGpuRoot(seed), port: nrasPort });
}

async function startKds({ pkiSeedFile, kdsPort }: DevnetConfig): Promise<KdsServer | undefined> {
    if (pkiSeedFile === undefined) return undefined;
    return startKdsServer({ seed: ensureSeedFile(pkiSeedFile), port: kdsPort });
}
