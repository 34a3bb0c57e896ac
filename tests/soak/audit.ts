import { Address } from '@ton/core';
import { EscrowState } from '../../wrappers';
import { actor, actorAddresses, actorNames } from './actors';
import { EscrowModel, reachableNano } from './model/escrow-model';
import { feeBpsAt, HubModel, liabilitiesNano } from './model/hub-model';
import { ProviderModel, requiredBondNano } from './model/provider-model';
import { hubBondsNano } from './model/registry-model';
import { platforms, raw } from './scene';
import type { World } from './world';

const rule = 'every ledger is what the model says';

/**
 * Every number that the contract's getters tell, against the model.
 * @param creditors of a hub, whose credits may have changed
 */
export async function auditContract(world: World, address: string, creditors: readonly string[]): Promise<void> {
    const hub = world.model.hubs.get(address);
    const escrow = world.model.escrows.get(address);
    const provider = world.model.providers.get(address);
    if (hub) await auditHub(world, hub, creditors);
    else if (escrow) await auditEscrow(world, escrow);
    else if (provider) await auditProvider(world, provider);
    else if (address === world.model.registry.address) await auditRegistry(world);
}

async function auditEscrow(world: World, model: EscrowModel): Promise<void> {
    const at = Address.parse(model.address);
    const escrow = world.scene.escrows.find(({ address }) => address.equals(at))!;
    const state = await escrow.getState(world.chain.provider(at));
    const reachable = reachableNano(model, world.chain.balanceNano(at), state.storageReserveNano);
    equal(world, model.address, {
        balance: [state.balanceNano, reachable],
        phase: [state.phase, model.phase],
        epoch: [state.epoch, model.epoch],
        inFlight: [state.inFlight?.amountNano, model.inFlight?.amountNano],
        inFlightQueryId: [state.inFlight?.queryId, model.inFlight?.queryId],
        paidNodes: [positive(state.paidNano), positive(model.paid)],
        sessionKey: [state.sessionKey.toString('hex'), model.sessionKey],
        sessionExpiresAt: [state.sessionExpiresAt, model.sessionExpiresAt],
        closesAt: [state.closesAt ?? 0, model.closesAt],
        retired: [retired(state), model.retired.map(({ key, validUntil }) => `${key} ${validUntil}`).join()],
    });
    world.checkEpoch(model.address, state.epoch);
    for (const { publicKey } of world.scene.nodeKeys) {
        const nodeKey = publicKey.toString('hex');
        const paid = state.paidNano.get(nodeKey) ?? 0n;
        equal(world, model.address, { [`paid to ${nodeKey}`]: [paid, model.paid.get(nodeKey) ?? 0n] });
        const { capNano, receiptNano } = world.signedFor(model.address, state.epoch, nodeKey);
        world.check(
            paid <= capNano && paid <= receiptNano,
            'no node gets more than cap and receipt',
            () => `${nodeKey} got ${paid}, cap ${capNano}, receipt ${receiptNano}`,
        );
    }
}

function retired(state: EscrowState): string {
    return state.retiredKeys.map(({ key, validUntil }) => `${key.toString('hex')} ${validUntil}`).join();
}

async function auditHub(world: World, model: HubModel, creditors: readonly string[]): Promise<void> {
    const at = Address.parse(model.address);
    const hub = world.scene.hubs.find(({ address }) => address.equals(at))!;
    const get = world.chain.provider(at);
    const state = await hub.getState(get);
    const { now } = world.chain;
    const rise = model.rise && now < model.rise.at ? model.rise : null;
    equal(world, model.address, {
        liabilities: [state.liabilitiesNano, liabilitiesNano(model)],
        accruedFees: [state.accruedFeesNano, model.accruedFeesNano],
        feeBps: [state.feeBps, feeBpsAt(model, now)],
        nextFeeBps: [state.nextFee?.feeBps, rise?.feeBps],
        nextFeeAt: [state.nextFee?.effectiveAt, rise?.at],
        nodeCount: [state.nodeCount, model.nodes.size],
    });
    // Who has just been paid, and one more in turn: with the sum of all in `liabilities` no credit can hide for long.
    const inTurn = actorNames[world.tally.checks % actorNames.length]!;
    for (const owner of new Set([...creditors, raw(actor(inTurn))])) {
        const owed = (model.credits.get(owner) ?? 0n) + (model.refunds.get(owner) ?? 0n);
        const credit = await hub.getCredit(get, Address.parse(owner));
        equal(world, model.address, { [`credit of ${actorAddresses.get(owner) ?? owner}`]: [credit, owed] });
    }
}

async function auditProvider(world: World, model: ProviderModel): Promise<void> {
    const at = Address.parse(model.address);
    const provider = world.scene.providers.find(({ address }) => address.equals(at))!;
    const get = world.chain.provider(at);
    const state = await provider.getState(get);
    equal(world, model.address, {
        bond: [state.bondNano, model.bondNano],
        unbonding: [state.unbondingNano, model.unbondingNano],
        withdrawableAt: [state.withdrawableAt, model.unbondingNano === 0n ? null : model.withdrawableAt],
        required: [state.requiredBondNano, requiredBondNano(model, world.chain.now)],
        operatorKey: [state.operatorKey?.toString('hex') ?? '', model.operatorKey],
    });
    for (const [nodeKey, key] of await provider.getKeys(get)) {
        const known = model.keys.get(nodeKey);
        equal(world, `${model.address} ${nodeKey}`, {
            notAfter: [key.notAfter, known?.notAfter],
            revokedAt: [key.revokedAt ?? 0, known?.revokedAt],
            isSlashed: [key.isSlashed, known?.isSlashed],
            share: [key.bondNano, known?.shareNano],
        });
    }
}

async function auditRegistry(world: World): Promise<void> {
    const { registry } = world.scene;
    const get = world.chain.provider(registry.address);
    const state = await registry.getState(get);
    const { model } = world;
    equal(world, 'registry', {
        version: [state.version, model.registry.version],
        minBond: [state.minBondNano, model.registry.minBondNano],
        minHubBond: [state.minHubBondNano, model.registry.minHubBondNano],
        hubBonds: [state.hubBondsNano, hubBondsNano(model.registry)],
        maxKeyLife: [state.maxKeyLifeSec, model.registry.maxKeyLifeSec],
        owner: [state.owner.toRawString(), model.registry.owner],
        verifier: [state.verifier?.toRawString() ?? '', model.registry.verifier],
    });
    for (const platformId of platforms) {
        const keys = await registry.getPlatformKeys(get, platformId);
        const known = model.registry.platformKeys.get(platformId.toString('hex'));
        const ends = [
            keys.map(({ notAfter }) => notAfter),
            [...(known?.values() ?? [])].map(({ endsAt }) => endsAt),
        ].map((times) => times.sort().join());
        equal(world, 'registry', { [`keys of platform ${platformId[0]}`]: [ends[0], ends[1]] });
    }
    for (const { address } of world.scene.hubs) {
        const listing = await registry.getHub(get, address);
        const bond = model.registry.hubBonds.get(address.toRawString());
        equal(world, 'registry', { [`bond of ${address.toRawString()}`]: [listing?.bondNano, bond] });
    }
}

function equal(world: World, where: string, pairs: Record<string, readonly [unknown, unknown]>): void {
    for (const [name, [onChain, inModel]] of Object.entries(pairs)) {
        world.check(
            (onChain ?? null) === (inModel ?? null),
            rule,
            () => `${name} of ${where}: ${String(onChain)}, model ${String(inModel)}`,
        );
    }
}

function positive(amounts: ReadonlyMap<string, bigint>): number {
    return [...amounts.values()].filter((amount) => amount > 0n).length;
}
