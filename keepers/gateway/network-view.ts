import { Address } from '@ton/core';
import type { ChainClient } from '../chain';
import { type AdmittedNode, type AllowedImage, type ImageKind, Payout, Registry } from '../../wrappers';
import { GatewayError } from './errors';

/** What the registry allows, all read at one version. */
export interface RegistryView {
    version: number;
    /** Of TDX guests. */
    images: ReadonlySet<string>;
    /** Of SEV-SNP guests, which no contract verifies. */
    snpImages: ReadonlySet<string>;
    models: ReadonlySet<string>;
    deniedPlatforms: ReadonlySet<string>;
}

/** Reads registry and hubs from chain. The registry's address is pinned, so no RPC can pass off another network. */
export class NetworkView {
    private view: RegistryView | undefined;

    constructor(
        private readonly chain: ChainClient,
        private readonly registry: Address,
    ) {}

    /** Last view read, undefined before the first. */
    get current(): RegistryView | undefined {
        return this.view;
    }

    /** Reads the registry; lists only when its version moved. An endpoint that lags must not bring back old trust. */
    async refresh(): Promise<RegistryView> {
        const registry = this.chain.open(Registry.createFromAddress(this.registry));
        const { version } = await registry.getState();
        if (this.view !== undefined && version <= this.view.version) return this.view;
        const [images, models, deniedPlatforms] = await Promise.all([
            registry.getImages(),
            registry.getModels(),
            registry.getDeniedPlatforms(),
        ]);
        // Lists of one version only: between the reads governance may have acted, or another endpoint answered.
        const { version: versionAfter } = await registry.getState();
        if (versionAfter !== version)
            throw new GatewayError('chain_unavailable', 'the registry changed while it was read');
        this.view = {
            version,
            images: new Set(idsOfKind(images, 'tdx')),
            snpImages: new Set(idsOfKind(images, 'sev-snp')),
            models: new Set(models.keys()),
            deniedPlatforms,
        };
        return this.view;
    }

    /** Listed hubs and where their dispatchers are. */
    async listedHubs(): Promise<{ hub: Address; url: string }[]> {
        const hubs = await this.chain.open(Registry.createFromAddress(this.registry)).getHubs();
        return [...hubs].map(([raw, { endpoint }]) => ({ hub: Address.parseRaw(raw), url: endpoint }));
    }

    admission(hub: Address, nodeKey: Buffer): Promise<AdmittedNode | null> {
        return this.chain.open(Payout.createFromAddress(hub)).getNode(nodeKey);
    }
}

/** An image is allowed for the machines of its kind only. */
function idsOfKind(images: ReadonlyMap<string, AllowedImage>, kind: ImageKind): string[] {
    return [...images].filter(([, image]) => image.imageKind === kind).map(([id]) => id);
}
