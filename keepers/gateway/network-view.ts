import { Address, type OpenedContract } from '@ton/core';
import { type ChainClient, type ChainView, isOfAgreement } from '../chain';
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
    private isNarrowed = false;

    constructor(
        private readonly chain: ChainClient,
        private readonly registry: Address,
    ) {}

    /** Last view read, undefined before the first. */
    get current(): RegistryView | undefined {
        return this.view;
    }

    /**
     * Reads the registry; lists only when its version moved. Trust is added by what two endpoints say alike, of one block,
     * and by a version that never goes back. What one alone says can only take trust away, and does so at once.
     */
    async refresh(): Promise<RegistryView> {
        try {
            const version = await this.chain.agree((chain) => this.version(chain), { fold: newest });
            if (this.view === undefined || this.isNarrowed || version > this.view.version) await this.readLists();
        } catch (error) {
            if (this.view === undefined || !isOfAgreement(error)) throw error;
            this.narrow(await this.chain.latest((chain) => this.lists(chain)));
        }
        return this.view!;
    }

    /** Listed hubs and where their dispatchers are. */
    async listedHubs(): Promise<{ hub: Address; url: string }[]> {
        const hubs = await this.chain.agree((chain) => this.contract(chain).getHubs());
        return [...hubs].map(([raw, { endpoint }]) => ({ hub: Address.parseRaw(raw), url: endpoint }));
    }

    admission(hub: Address, nodeKey: Buffer): Promise<AdmittedNode | null> {
        return this.chain.agree((chain) => chain.open(Payout.createFromAddress(hub)).getNode(nodeKey));
    }

    private async readLists(): Promise<void> {
        let contradicted = false;
        const fold = (views: readonly RegistryView[]) => {
            contradicted = true;
            return leastOf(views);
        };
        const lists = await this.chain.agree((chain) => this.lists(chain), { fold });
        const isOlder = this.view !== undefined && lists.version < this.view.version;
        if (this.view !== undefined && (contradicted || isOlder)) return this.narrow(lists);
        this.view = lists;
        this.isNarrowed = contradicted;
    }

    /** Takes away what these lists lack. They are read again until two endpoints agree. */
    private narrow(lists: RegistryView): void {
        const { version } = this.view!;
        this.view = { ...leastOf([this.view!, lists]), version };
        this.isNarrowed = true;
    }

    private async version(chain: ChainView): Promise<number> {
        return (await this.contract(chain).getState()).version;
    }

    private async lists(chain: ChainView): Promise<RegistryView> {
        const registry = this.contract(chain);
        const { version } = await registry.getState();
        const [images, models, deniedPlatforms] = [
            await registry.getImages(),
            await registry.getModels(),
            await registry.getDeniedPlatforms(),
        ];
        // An endpoint that can't be held to one block may have answered from two.
        if (!chain.isOfOneBlock && (await registry.getState()).version !== version)
            throw new GatewayError('chain_unavailable', 'the registry changed while it was read');
        return {
            version,
            images: new Set(idsOfKind(images, 'tdx')),
            snpImages: new Set(idsOfKind(images, 'sev-snp')),
            models: new Set(models.keys()),
            deniedPlatforms,
        };
    }

    private contract(chain: ChainView): OpenedContract<Registry> {
        return chain.open(Registry.createFromAddress(this.registry));
    }
}

/** Of contradicting versions the newest is looked into: what it takes away counts. */
function newest(versions: readonly number[]): number {
    return Math.max(...versions);
}

/** What all of the views allow, and none denies. */
export function leastOf(views: readonly RegistryView[]): RegistryView {
    return views.reduce((least, view) => ({
        version: Math.min(least.version, view.version),
        images: inBoth(least.images, view.images),
        snpImages: inBoth(least.snpImages, view.snpImages),
        models: inBoth(least.models, view.models),
        deniedPlatforms: new Set([...least.deniedPlatforms, ...view.deniedPlatforms]),
    }));
}

function inBoth(one: ReadonlySet<string>, other: ReadonlySet<string>): ReadonlySet<string> {
    return new Set([...one].filter((id) => other.has(id)));
}

/** An image is allowed for the machines of its kind only. */
function idsOfKind(images: ReadonlyMap<string, AllowedImage>, kind: ImageKind): string[] {
    return [...images].filter(([, image]) => image.imageKind === kind).map(([id]) => id);
}
