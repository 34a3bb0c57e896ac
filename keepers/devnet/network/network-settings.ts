import type { Address } from '@ton/core';
import { simulatedFamily } from '../simulated-tee';
import type { Actors, ActorName } from './actors';
import type { NetworkLayout } from './layout';
import type { LocalNetworkOptions, RoleSettings } from './local-network-options';
import { localTerms } from './local-terms';
import type { RoleProcess } from './role-process';

export interface NodePlace {
    name: string;
    provider: Address;
    owner: ActorName;
}

/** What there is of a network once its chain runs; the hub is known after the deployment. */
export interface NetworkPlace {
    layout: NetworkLayout;
    actors: Actors;
    hub: Address;
    process(name: string): RoleProcess;
}

export const pollIntervalMs = 250;

/** Of the node's configuration. */
const teeKinds = { tdx: 'simulated', snp: 'simulated-snp' } as const;

/** The configuration of each role of a local network. */
export class NetworkSettings {
    constructor(
        private readonly options: LocalNetworkOptions,
        private readonly place: NetworkPlace,
    ) {}

    /** Of the chain's first API. */
    get endpoint(): string {
        return `${this.chain.url}/api/v2/jsonRPC`;
    }

    teeOf(nodeName: string): 'tdx' | 'snp' {
        return this.options.tees?.[nodeName] ?? 'tdx';
    }

    registrar(): RoleSettings {
        return {
            ...this.common,
            gasWalletFile: this.key('gas-registrar'),
            outboxFile: this.place.layout.data('registrar.outbox.sqlite'),
            collateral: { url: this.collateralUrl },
            families: [{ fmspc: simulatedFamily.toString('hex'), authority: 'platform' }],
            intervalMs: 60_000,
        };
    }

    dispatcher(): RoleSettings {
        return { ...this.common, hub: this.hub, listen: { port: 0 }, ledgerFile: this.dispatcherLedger };
    }

    /** @param number of the provider, from 1 */
    node(
        { name, provider }: NodePlace,
        { number, dispatcherUrl }: { number: number; dispatcherUrl: string },
    ): RoleSettings {
        const { engines, signingSuites } = this.options;
        const pkiSeedFile = this.key('pki');
        return {
            ...this.common,
            hub: this.hub,
            dispatcherUrl,
            provider: provider.toString(),
            operatorKeyFile: this.key(`operator-key-${number}`),
            gasWalletFile: this.key(`gas-node-${number}`),
            receiptLogFile: this.place.layout.data(`${name}.receipts.jsonl`),
            engine: engines?.[name] ?? { kind: 'llama-cpp' },
            tee: { kind: teeKinds[this.teeOf(name)], pkiSeedFile, platform: number },
            signing: { kind: 'generated', suite: signingSuites?.[name] ?? 'ed25519' },
            gpu: { kind: 'simulated', pkiSeedFile, platform: number },
            prices: localTerms.prices,
        };
    }

    settler(): RoleSettings {
        return {
            ...this.common,
            hub: this.hub,
            ledgerFile: this.dispatcherLedger,
            gasWalletFile: this.key('gas-settler'),
            intervalMs: 2_000,
        };
    }

    gateway(name: string, { dispatcherUrl, port }: { dispatcherUrl: string; port: number }): RoleSettings {
        const { ready } = this.chain;
        return {
            ...this.common,
            dispatchers: [{ url: dispatcherUrl, hub: this.hub }],
            client: this.place.actors.wallets.client.address.toString(),
            sessionKeyFile: this.key('session'),
            ledgerFile: this.place.layout.data(`${name}.sqlite`),
            listen: { port },
            collateral: { url: this.collateralUrl },
            gpu: { minCount: 1, nras: { url: ready['nrasUrl'] as string } },
            snp: { kdsUrl: ready['kdsUrl'] as string },
        };
    }

    private get common() {
        const { logLevel, bothApis } = this.options;
        const v4 = { url: this.chain.ready['endpointV4'], kind: 'v4' };
        return {
            chain: { endpoints: bothApis === true ? [this.endpoint, v4] : [this.endpoint], pollIntervalMs },
            deploymentFile: this.place.layout.deployment,
            ...(logLevel !== undefined && { logLevel }),
        };
    }

    private get chain(): RoleProcess {
        return this.place.process('chain');
    }

    private get collateralUrl(): string {
        return this.chain.ready['collateralUrl'] as string;
    }

    private get hub(): string {
        return this.place.hub.toString();
    }

    private get dispatcherLedger(): string {
        return this.place.layout.data('dispatcher.sqlite');
    }

    private key(name: string): string {
        return this.place.actors.keyFile(name).file;
    }
}
