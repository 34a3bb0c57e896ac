import { actorNames } from './actors';
import { liabilitiesNano } from './model/hub-model';
import { Operation } from './operation';
import { perform } from './perform';
import { World } from './world';

const rule = 'everyone gets out alone';
const dearReserve = 30_000_000_000;

/**
 * Off-chain processes are gone. Providers post what they have, clients close and withdraw, everybody claims, operators take their
 * fees, bonds come back: with nothing but a wallet each, and nothing is left that anyone is owed.
 */
export async function leave(world: World): Promise<void> {
    await drain(world);
    for (const holder of [0, 1, 2]) await done(world, { do: 'topUpReserve', holder, valueNano: dearReserve });
    await settleAll(world);
    await withdrawAll(world);
    await claimAll(world);
    await unbondAll(world);
    for (const address of contracts(world)) await world.audit(address);
}

async function settleAll(world: World): Promise<void> {
    for (const escrow of world.scene.escrows.keys()) {
        const line = { session: 0, addNano: 50_000_000, capOverNano: 0, flaw: 'none' } as const;
        const lines = world.scene.nodeKeys.map((_, node) => ({ node, ...line }));
        await done(world, { do: 'settle', stray: true, escrow, by: 0, epochShift: 0, pay: 'plenty', lines });
    }
}

async function withdrawAll(world: World): Promise<void> {
    const escrows = [...world.scene.escrows.keys()];
    for (const escrow of escrows) await done(world, { do: 'close', escrow, by: 0, pay: 'plenty' });
    // The second delay is for those whose last charge was never acknowledged.
    for (let delays = 1; delays <= 2; delays += 1) {
        world.chain.now += 3601;
        for (const escrow of escrows) await done(world, { do: 'withdraw', escrow, by: 0, pay: 'plenty' });
    }
    for (const { phase, balanceNano, address } of world.model.escrows.values()) {
        world.check(
            phase === 'closed' && balanceNano === 0n,
            rule,
            () => `escrow ${address} is ${phase} with ${balanceNano}`,
        );
    }
}

async function claimAll(world: World): Promise<void> {
    for (const hub of world.scene.hubs.keys()) {
        for (let by = 1; by <= actorNames.length; by += 1) await done(world, { do: 'claim', hub, by, pay: 'plenty' });
        await done(world, { do: 'withdrawFees', hub, by: 0, pay: 'plenty' });
        await done(world, { do: 'unlist', hub, by: 0, pay: 'plenty' });
    }
    for (const hub of world.model.hubs.values()) {
        world.check(liabilitiesNano(hub) === 0n, rule, () => `hub ${hub.address} owes ${liabilitiesNano(hub)}`);
    }
    const { hubBonds } = world.model.registry;
    world.check(hubBonds.size === 0, rule, () => `${hubBonds.size} hubs are still listed`);
}

async function unbondAll(world: World): Promise<void> {
    const providers = [...world.scene.providers.keys()];
    world.chain.now += 30 * 86_400;
    for (const provider of providers)
        await done(world, { do: 'unbond', provider, by: 0, permille: 1000, pay: 'plenty' });
    world.chain.now += 8 * 86_400;
    for (const provider of providers) await done(world, { do: 'withdrawBond', provider, by: 0, pay: 'plenty' });
    for (const { bondNano, unbondingNano, address } of world.model.providers.values()) {
        world.check(
            bondNano + unbondingNano === 0n,
            rule,
            () => `provider ${address} holds ${bondNano} and ${unbondingNano}`,
        );
    }
}

async function done(world: World, operation: Operation): Promise<void> {
    await perform(world, operation);
    await drain(world);
}

async function drain(world: World): Promise<void> {
    while (await world.deliver(0)) world.tally.operations += 1;
}

function contracts(world: World): string[] {
    const { hubs, escrows, providers, registry } = world.model;
    return [...hubs.keys(), ...escrows.keys(), ...providers.keys(), registry.address];
}
