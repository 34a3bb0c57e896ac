import { createHash } from 'node:crypto';
import type { Address } from '@ton/core';
import { ChainClient, ChainWallet, NetworkReader, walletKeyFromSeed } from '../../../keepers/chain';
import { type RunningDevnetChain, startDevnetChain } from '../../../keepers/devnet/chain';

export interface DevnetFixture {
    devnet: RunningDevnetChain;
    client: ChainClient;
    /** A wallet with money, from a name. */
    wallet(name: string, amountNano?: bigint): Promise<ChainWallet>;
    reader(registry: Address): NetworkReader;
}

/** A devnet of its own for the suite that calls this; only the HTTP interface is used to talk to it. */
export function useDevnet(): DevnetFixture {
    const fixture = {} as DevnetFixture;
    beforeAll(async () => {
        const devnet = await startDevnetChain({ seed: 'chain tests' });
        const client = new ChainClient({ endpoints: [devnet.endpoint], firstDelayMs: 20, attempts: 3 });
        Object.assign(fixture, {
            devnet,
            client,
            wallet: async (name: string, amountNano = 100_000_000_000n) => {
                const wallet = new ChainWallet({ client, key: walletKeyFromSeed(seedOf(name)), pollIntervalMs: 10 });
                if (amountNano > 0n) await devnet.chain.payFromFaucet(wallet.address, amountNano);
                return wallet;
            },
            reader: (registry: Address) => new NetworkReader({ client, registry }),
        });
    });
    afterAll(() => fixture.devnet.close());
    return fixture;
}

export function seedOf(name: string): Buffer {
    return createHash('sha256').update(name).digest();
}
