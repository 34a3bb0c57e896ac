import type { Address } from '@ton/core';
import {
    type AdmittedNode,
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
import type { ChainClient } from './chain-client';
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

/** Typed state of the network's contracts, with a short memory. Null where an account does not exist (yet). */
export class NetworkReader {
    private readonly cache: ShortCache;

    constructor(private readonly options: NetworkReaderOptions) {
        this.cache = new ShortCache({ maxAgeMs: options.maxAgeMs ?? 5_000, clock: options.clock ?? systemClock });
    }

    registry(read: ReadOptions = {}): Promise<RegistryState | null> {
        const { client, registry } = this.options;
        return this.remember(`registry`, read, () => client.open(Registry.createFromAddress(registry)).getState());
    }

    /** By hex of the id. */
    images(read: ReadOptions = {}): Promise<Map<string, AllowedImage> | null> {
        const { client, registry } = this.options;
        return this.remember('images', read, () => client.open(Registry.createFromAddress(registry)).getImages());
    }

    /** Hex of the manifest root -> name. */
    models(read: ReadOptions = {}): Promise<Map<string, string> | null> {
        const { client, registry } = this.options;
        return this.remember('models', read, () => client.open(Registry.createFromAddress(registry)).getModels());
    }

    deniedPlatforms(read: ReadOptions = {}): Promise<Set<string> | null> {
        const { client, registry } = this.options;
        const contract = client.open(Registry.createFromAddress(registry));
        return this.remember('denied', read, () => contract.getDeniedPlatforms());
    }

    /** Null also when the account is no hub of this network. */
    async hub(hub: Address, read: ReadOptions = {}): Promise<PayoutState | null> {
        return this.remember(`hub ${hub.toRawString()}`, read, async () => {
            const state = await this.options.client.open(Payout.createFromAddress(hub)).getState();
            if (!state.registry.equals(this.options.registry)) return null;
            const { address } = await Payout.createFromConfig(state);
            return address.equals(hub) ? state : null;
        });
    }

    node(hub: Address, nodeKey: Buffer, read: ReadOptions = {}): Promise<AdmittedNode | null> {
        const contract = this.options.client.open(Payout.createFromAddress(hub));
        const key = `node ${hub.toRawString()} ${nodeKey.toString('hex')}`;
        return this.remember(key, read, () => contract.getNode(nodeKey));
    }

    provider(provider: Address, read: ReadOptions = {}): Promise<ProviderState | null> {
        const contract = this.options.client.open(Provider.createFromAddress(provider));
        return this.remember(`provider ${provider.toRawString()}`, read, () => contract.getState());
    }

    providerKey(provider: Address, nodeKey: Buffer, read: ReadOptions = {}): Promise<NodeKey | null> {
        const contract = this.options.client.open(Provider.createFromAddress(provider));
        const key = `key ${provider.toRawString()} ${nodeKey.toString('hex')}`;
        return this.remember(key, read, () => contract.getKey(nodeKey));
    }

    /**
     * A genuine escrow of the hub, or null: its address must follow from the terms that it states and the code that
     * the hub's escrows have. Never cached, since money is reserved by it.
     */
    async escrow(query: {
        address: Address;
        hub: Address;
        /** Whose paid sums to read, given the epoch. */
        nodeKeys: (epoch: number) => readonly Buffer[];
    }): Promise<EscrowSnapshot | null> {
        return orNull(() => this.readEscrow(query));
    }

    private async readEscrow(query: Parameters<NetworkReader['escrow']>[0]): Promise<EscrowSnapshot | null> {
        const contract = this.options.client.open(Escrow.createFromAddress(query.address));
        const state = await contract.getState();
        const genuine = state.hub.equals(query.hub) && state.network.equals(this.options.registry.hash);
        if (!genuine || !(await Escrow.createFromConfig(state)).address.equals(query.address)) return null;
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

    private remember<T>(key: string, read: ReadOptions, load: () => Promise<T>): Promise<T | null> {
        return this.cache.get(key, () => orNull(load), read.refresh ? 0 : undefined);
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
