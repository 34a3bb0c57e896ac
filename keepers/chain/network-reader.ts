import type { Address } from '@ton/core';
import {
    type AdmittedNode,
    admittedNodes,
    type AllowedImage,
    Escrow,
    type EscrowState,
    type NodeKey,
    Payout,
    type PayoutState,
    Provider,
    type ProviderState,
    Registry,
    type RegistryState,
} from '../../wrappers';
import { type Clock, systemClock } from '../base';
import type { ReadChain } from './agreement/agreement';
import type { ChainClient } from './chain-client';
import type { ChainView } from './chain-view';
import { ChainError } from './errors';
import { ShortCache } from './short-cache';

/** One escrow at one moment: balance and paid sums are from the same state. */
export interface EscrowSnapshot {
    address: Address;
    /** Account id, 32 bytes. */
    escrow: Buffer;
    epoch: number;
    status: EscrowState['phase'];
    closesAtSec: number | null;
    balanceNano: bigint;
    /** Of a charge that waits for the hub's acknowledgement; until then the escrow refuses another. */
    inFlightNano: bigint | null;
    client: Address;
    index: number;
    closeDelaySec: number;
    /** Keys that the escrow still honours, the present one first; after its end charges accept it for the close delay. */
    sessionKeys: { publicKey: Buffer; validUntilSec: number }[];
    /** By node key in hex, for the nodes asked about. */
    paidNano: Map<string, bigint>;
}

export interface NetworkReaderOptions {
    client: ChainClient;
    registry: Address;
    /** How long an answer serves where the caller doesn't ask for a fresh one. */
    maxAgeMs?: number;
    clock?: Clock;
}

export interface ReadOptions {
    /** Read the chain even if a recent answer is at hand. */
    refresh?: boolean;
}

interface EscrowQuery {
    address: Address;
    hub: Address;
    /** Whose paid sums to read, given the epoch. */
    nodeKeys: (epoch: number) => readonly Buffer[];
}

/**
 * Typed state of the network's contracts as two operators' endpoints tell it alike, with a short memory. Null where an
 * account does not exist (yet).
 */
export class NetworkReader {
    private readonly cache: ShortCache;
    /** By account id in hex. An escrow's address follows from its hub: what was found once holds for ever. */
    private readonly hubsOfEscrows = new Map<string, Address>();

    constructor(private readonly options: NetworkReaderOptions) {
        this.cache = new ShortCache({ maxAgeMs: options.maxAgeMs ?? 5_000, clock: options.clock ?? systemClock });
    }

    registry(read: ReadOptions = {}): Promise<RegistryState | null> {
        return this.remember(`registry`, read, (chain) => chain.open(this.registryContract()).getState());
    }

    /** By hex of the id. */
    images(read: ReadOptions = {}): Promise<Map<string, AllowedImage> | null> {
        return this.remember('images', read, (chain) => chain.open(this.registryContract()).getImages());
    }

    /** Hex of the manifest root -> name. */
    models(read: ReadOptions = {}): Promise<Map<string, string> | null> {
        return this.remember('models', read, (chain) => chain.open(this.registryContract()).getModels());
    }

    deniedPlatforms(read: ReadOptions = {}): Promise<Set<string> | null> {
        return this.remember('denied', read, (chain) => chain.open(this.registryContract()).getDeniedPlatforms());
    }

    /** Null also when the account is no hub of this network. */
    async hub(hub: Address, read: ReadOptions = {}): Promise<PayoutState | null> {
        const state = await this.remember(`hub ${hub.toRawString()}`, read, (chain) =>
            chain.open(Payout.createFromAddress(hub)).getState(),
        );
        if (state === null || !state.registry.equals(this.options.registry)) return null;
        const { address } = await Payout.createFromConfig(state);
        return address.equals(hub) ? state : null;
    }

    node(hub: Address, nodeKey: Buffer, read: ReadOptions = {}): Promise<AdmittedNode | null> {
        const key = `node ${hub.toRawString()} ${nodeKey.toString('hex')}`;
        return this.remember(key, read, (chain) => chain.open(Payout.createFromAddress(hub)).getNode(nodeKey));
    }

    /** Every node of the hub, by key in hex, in one read; never cached. */
    async nodes(hub: Address): Promise<Map<string, AdmittedNode>> {
        const stored = await this.options.client.agree((chain) =>
            chain.open(Payout.createFromAddress(hub)).getStoredNodes(),
        );
        return admittedNodes(stored);
    }

    provider(provider: Address, read: ReadOptions = {}): Promise<ProviderState | null> {
        const contract = Provider.createFromAddress(provider);
        return this.remember(`provider ${provider.toRawString()}`, read, (chain) => chain.open(contract).getState());
    }

    providerKey(provider: Address, nodeKey: Buffer, read: ReadOptions = {}): Promise<NodeKey | null> {
        const contract = Provider.createFromAddress(provider);
        const key = `key ${provider.toRawString()} ${nodeKey.toString('hex')}`;
        return this.remember(key, read, (chain) => chain.open(contract).getKey(nodeKey));
    }

    /**
     * A genuine escrow of the hub, or null: its address must follow from the terms that it states and the code that
     * the hub's escrows have. Never cached, since money is reserved by it.
     */
    async escrow(query: EscrowQuery): Promise<EscrowSnapshot | null> {
        const known = this.hubsOfEscrows.get(query.address.hash.toString('hex'));
        if (known !== undefined && !known.equals(query.hub)) return null;
        return this.options.client.agree((chain) => orNull(() => this.readEscrow(chain, query)));
    }

    /** Where an escrow of this network pays, read once; null where there is no such escrow. */
    async hubOfEscrow(address: Address): Promise<Address | null> {
        const id = address.hash.toString('hex');
        const known = this.hubsOfEscrows.get(id);
        if (known !== undefined) return known;
        const hub = await this.options.client.agree((chain) => orNull(() => this.readHubOfEscrow(chain, address)));
        if (hub !== null) this.hubsOfEscrows.set(id, hub);
        return hub;
    }

    private async readHubOfEscrow(chain: ChainView, address: Address): Promise<Address | null> {
        const state = await chain.open(Escrow.createFromAddress(address)).getState();
        return (await this.isGenuine(address, state)) ? state.hub : null;
    }

    private async isGenuine(address: Address, state: EscrowState): Promise<boolean> {
        if (!state.network.equals(this.options.registry.hash)) return false;
        return (await Escrow.createFromConfig(state)).address.equals(address);
    }

    private async readEscrow(chain: ChainView, query: EscrowQuery): Promise<EscrowSnapshot | null> {
        const contract = chain.open(Escrow.createFromAddress(query.address));
        const state = await contract.getState();
        if (!state.hub.equals(query.hub) || !(await this.isGenuine(query.address, state))) return null;
        return {
            ...escrowSnapshot(query.address, state),
            paidNano: new Map(
                query.nodeKeys(state.epoch).map((nodeKey) => {
                    const key = nodeKey.toString('hex');
                    return [key, state.paidNano.get(key) ?? 0n];
                }),
            ),
        };
    }

    private registryContract(): Registry {
        return Registry.createFromAddress(this.options.registry);
    }

    private remember<T>(key: string, read: ReadOptions, load: ReadChain<T>): Promise<T | null> {
        const agree = () => this.options.client.agree((chain) => orNull(() => load(chain)));
        return this.cache.get(key, agree, read.refresh ? 0 : undefined);
    }
}

function escrowSnapshot(address: Address, state: EscrowState): Omit<EscrowSnapshot, 'paidNano'> {
    const retired = state.retiredKeys.map(({ key, validUntil }) => ({ publicKey: key, validUntilSec: validUntil }));
    return {
        address,
        escrow: address.hash,
        epoch: state.epoch,
        status: state.phase,
        closesAtSec: state.closesAt,
        balanceNano: state.balanceNano,
        inFlightNano: state.inFlight?.amountNano ?? null,
        client: state.client,
        index: state.index,
        closeDelaySec: state.closeDelaySec,
        sessionKeys: [{ publicKey: state.sessionKey, validUntilSec: state.sessionExpiresAt }, ...retired],
    };
}

async function orNull<T>(load: () => Promise<T>): Promise<T | null> {
    try {
        return await load();
    } catch (error) {
        if (error instanceof ChainError && error.code === 'account_inactive') return null;
        throw error;
    }
}
