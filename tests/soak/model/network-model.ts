import { Arrival, refuse, Verdict } from './arrival';
import { EscrowModel, judgeEscrow } from './escrow-model';
import { HubModel, judgeHub, liabilitiesNano } from './hub-model';
import { Letter } from './letter';
import { judgeProvider, ProviderModel } from './provider-model';
import { hubBondsNano, judgeRegistry, RegistryModel } from './registry-model';

/** All contracts of a network, by raw address; a plain value, so that `structuredClone` copies it. */
export interface NetworkModel {
    registry: RegistryModel;
    hubs: Map<string, HubModel>;
    escrows: Map<string, EscrowModel>;
    providers: Map<string, ProviderModel>;
}

export function judge(network: NetworkModel, letter: Letter, at: Arrival): Verdict {
    const hub = network.hubs.get(at.self);
    if (hub) return judgeHub(hub, letter, at, (owner) => providerOf(network, owner));
    const escrow = network.escrows.get(at.self);
    if (escrow) return judgeEscrow(escrow, letter, at);
    const provider = network.providers.get(at.self);
    if (provider) return judgeProvider(provider, letter, at);
    if (at.self === network.registry.address) return judgeRegistry(network.registry, letter, at);
    return refuse('nobody lives there');
}

function providerOf(network: NetworkModel, owner: string): string {
    return [...network.providers.values()].find((provider) => provider.owner === owner)?.address ?? '';
}

/** What an account owes besides its storage; null for an account that is none of the contracts. */
export function owedNano(network: NetworkModel, address: string): bigint | null {
    const hub = network.hubs.get(address);
    if (hub) return liabilitiesNano(hub);
    const escrow = network.escrows.get(address);
    if (escrow) return escrow.balanceNano;
    const provider = network.providers.get(address);
    if (provider) return provider.bondNano + provider.unbondingNano;
    return address === network.registry.address ? hubBondsNano(network.registry) : null;
}
