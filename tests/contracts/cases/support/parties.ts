import { Address } from '@ton/core';
import { SettlementEnvironment } from '../../support/settlement-environment';

/** NanoTON by party. */
export interface Wealth {
    client: bigint;
    operator: bigint;
    settler: bigint;
    /** all owners of nodes together */
    providers: bigint;
}

/** What each party has in its wallet and can fetch from the contracts by itself. */
export async function wealthOf(env: SettlementEnvironment): Promise<Wealth> {
    const { balanceNano, inFlight } = await env.escrow.getState();
    const owners = new Map(env.nodes.map(({ owner }) => [owner.address.toString(), owner.address]));
    let providers = 0n;
    for (const owner of owners.values()) providers += (await walletOf(env, owner)) + (await env.hub.getCredit(owner));
    return {
        client: (await walletOf(env, env.client.address)) + balanceNano + (inFlight?.amountNano ?? 0n),
        operator: (await walletOf(env, env.operator.address)) + (await env.hub.getState()).accruedFeesNano,
        settler: (await walletOf(env, env.settler.address)) + (await env.hub.getCredit(env.settler.address)),
        providers,
    };
}

/** Who gained (or lost, below zero) how much while `act` ran. */
export async function gains(env: SettlementEnvironment, act: () => Promise<unknown>): Promise<Wealth> {
    const before = await wealthOf(env);
    await act();
    const after = await wealthOf(env);
    return {
        client: after.client - before.client,
        operator: after.operator - before.operator,
        settler: after.settler - before.settler,
        providers: after.providers - before.providers,
    };
}

/** NanoTON of the account, whatever it is for. */
export async function balanceOf(env: SettlementEnvironment, account: { address: Address }): Promise<bigint> {
    return walletOf(env, account.address);
}

async function walletOf(env: SettlementEnvironment, address: Address): Promise<bigint> {
    return (await env.blockchain.getContract(address)).balance;
}

/** Whatever a test did: nothing was lost or made, and the hub can pay what it owes. */
export async function expectSound(env: SettlementEnvironment): Promise<void> {
    expect(env.money.leak()).toBe(0n);
    const { liabilitiesNano } = await env.hub.getState();
    const account = await env.blockchain.getContract(env.hub.address);
    expect(account.balance).toBeGreaterThanOrEqual(liabilitiesNano);
}
