import { Address } from '@ton/core';
import PQueue from 'p-queue';
import { type AdmittedNode, Payout, Provider } from '../../wrappers';
import { type ChainClient, ChainError, type NetworkReader } from '../chain';
import type { DispatchLedger } from '../ledger';
import type { Contradiction, TrustLists, WatchedKey, WatchView } from './decide-acts';
import type { KnownKeys } from './known-keys';

export interface HubLookOptions {
    client: ChainClient;
    reader: NetworkReader;
    registry: Address;
    hub: Address;
    /** Where contradicting receipts are known from. */
    ledger?: DispatchLedger;
}

type Roster = ReadonlyMap<string, AdmittedNode>;

/** What deciding needs to know of a hub, its nodes and what governance trusts, as the chain has it now. */
export class HubLook {
    constructor(
        private readonly options: HubLookOptions,
        private readonly known: KnownKeys,
    ) {}

    /** @param isFull every node of the hub; else only those that receipts accuse */
    async view(wallet: Address, isFull: boolean): Promise<WatchView> {
        const { reader, client, hub, ledger } = this.options;
        const contradictions = (await ledger?.contradictions()) ?? [];
        const accused = contradictions.map(({ other }) => other.receipt.nodeKey);
        const roster = isFull ? await reader.nodes(hub) : null;
        const admitted = [...(roster?.keys() ?? [])].map((key) => Buffer.from(key, 'hex'));
        const keys = await this.watched([...admitted, ...accused], roster);
        const provider = new Map(keys.map((one) => [one.nodeKey.toString('hex'), one.provider]));
        const state = await reader.hub(hub, { refresh: true });
        return {
            keys,
            trust: await this.trust(),
            contradictions: contradictions.flatMap(({ kept, other }): Contradiction[] => {
                const { nodeKey } = other.receipt;
                const at = provider.get(nodeKey.toString('hex'));
                const { escrow, epoch } = other;
                return at ? [{ provider: at, nodeKey, escrow, epoch, receipts: [kept, other] }] : [];
            }),
            hubNodeCount: state?.nodeCount ?? 0,
            creditNano: await client.open(Payout.createFromAddress(hub)).getCredit(wallet),
        };
    }

    /** A list that can't be read trusts nothing, so nothing may be concluded from it. */
    private async trust(): Promise<TrustLists> {
        const { reader } = this.options;
        const images = await reader.images({ refresh: true });
        const models = await reader.models({ refresh: true });
        const deniedPlatforms = await reader.deniedPlatforms({ refresh: true });
        if (images === null || models === null || deniedPlatforms === null)
            throw new ChainError('account_inactive', 'The registry is not on chain');
        return { images: new Set(images.keys()), models: new Set(models.keys()), deniedPlatforms };
    }

    private async watched(nodeKeys: readonly Buffer[], roster: Roster | null): Promise<WatchedKey[]> {
        const unique = [...new Map(nodeKeys.map((one) => [one.toString('hex'), one])).values()];
        const queue = new PQueue({ concurrency: 4 });
        const found = await queue.addAll(unique.map((nodeKey) => () => this.watchedKey(nodeKey, roster)));
        return found.filter((one) => one !== null);
    }

    private async watchedKey(nodeKey: Buffer, roster: Roster | null): Promise<WatchedKey | null> {
        const { client, reader, hub, registry } = this.options;
        const admitted = roster
            ? (roster.get(nodeKey.toString('hex')) ?? null)
            : await reader.node(hub, nodeKey, { refresh: true });
        if (admitted === null) this.known.gone(nodeKey, await client.getChainTimeSec());
        const owner = admitted ? new Address(0, admitted.ownerId) : this.known.ownerOf(nodeKey);
        if (owner === null) return null;
        if (admitted !== null) this.known.add(nodeKey, owner);
        const { address: provider } = await Provider.createFromConfig({ registry, owner });
        return {
            nodeKey,
            provider,
            admitted,
            recorded: await reader.providerKey(provider, nodeKey, { refresh: true }),
        };
    }
}
