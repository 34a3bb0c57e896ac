import { hkdfSync } from 'node:crypto';
import { type ChainClient, ChainWallet, walletKeyFromSeed } from '../../chain';
import { signerFromSeed } from '../../confidential';
import { ensureSeedFile } from '../../config';
import { DeploymentFile, type OperatorContext } from '../../operator';
import type { NetworkLayout } from './layout';

/** Everyone with a wallet in a local network. All keys derive from the network's seed and stand in key files. */
export const actorNames = [
    'governance',
    'operator',
    'client',
    'provider-1',
    'provider-2',
    'gas-node-1',
    'gas-node-2',
    'gas-settler',
    'gas-registrar',
] as const;
export type ActorName = (typeof actorNames)[number];

export function derivedSeed(seed: string, label: string): Buffer {
    return Buffer.from(hkdfSync('sha256', Buffer.from(seed, 'utf8'), 'cocoon development keys', label, 32));
}

export class Actors {
    readonly wallets: Readonly<Record<ActorName, ChainWallet>>;

    constructor(
        private readonly options: { seed: string; layout: NetworkLayout; client: ChainClient; pollIntervalMs: number },
    ) {
        const entries = actorNames.map((name) => {
            const key = walletKeyFromSeed(this.keyFile(name).seed);
            return [name, new ChainWallet({ client: options.client, key, pollIntervalMs: options.pollIntervalMs })];
        });
        this.wallets = Object.fromEntries(entries) as Record<ActorName, ChainWallet>;
    }

    /** The seed of a key, written to its file unless it stands there. */
    keyFile(name: string): { file: string; seed: Buffer } {
        const file = this.options.layout.key(name);
        return { file, seed: ensureSeedFile(file, derivedSeed(this.options.seed, name)) };
    }

    publicKey(name: string): Buffer {
        return signerFromSeed(this.keyFile(name).seed).publicKey;
    }

    /** For the same acts that the scripts run. */
    context(name: ActorName): OperatorContext {
        const { client, layout } = this.options;
        const wallet = this.wallets[name];
        return {
            open: (contract) => client.open(contract),
            sender: { ...wallet.sender(), address: wallet.address },
            nowSec: () => client.getChainTimeSec(),
            deployment: new DeploymentFile(layout.deployment),
        };
    }
}
