import '@ton/test-utils';
import { beginCell, toNano } from '@ton/core';
import { Payout } from '../../../wrappers';
import { atPrices } from '../../support/fee-config';
import { createNetwork, Network } from './support/network';

const gas = toNano('1');
const bond = toNano('12');
const endpoint = beginCell().storeBuffer(Buffer.from('https://hub.example/v1')).endCell();

let network: Network;

beforeEach(async () => {
    network = await createNetwork();
    const { code } = network.hub.init!;
    const [codeHash, codeDepth] = [code.hash(), code.depth()];
    await network.govern({ kind: 'allowHubCode', codeHash, codeDepth, name: 'payout 1' });
});

afterEach(async () => {
    expect(network.money.leak()).toBe(0n);
    const { hubBondsNano } = await network.registry.getState();
    expect(await network.balanceOf(network.registry.address)).toBeGreaterThanOrEqual(hubBondsNano);
});

const announce = (valueNano: bigint) =>
    network.hub.sendAnnounce(network.hubOperator.getSender(), { endpoint, valueNano });

/** A hub of the same code whose terms no client should meet. */
async function announceHostile(terms: { closeDelaySec?: number; maxFeeBps?: number; salt?: number }) {
    const { registry, blockchain, hubOperator: operator } = network;
    const hub = blockchain.openContract(
        await Payout.createFromConfig({
            registry: registry.address,
            operator: operator.address,
            closeDelaySec: 3600,
            maxFeeBps: 1000,
            initialFeeBps: 0,
            salt: 7,
            ...terms,
        }),
    );
    await hub.sendTopUp(operator.getSender(), { valueNano: gas });
    await hub.sendAnnounce(operator.getSender(), { endpoint, valueNano: bond });
    return network.registry.getHub(hub.address);
}

describe('case 18, dispatchers: a thousand hubs of one party', () => {
    it('each place on the list costs a bond that stays as long as the place, and comes back to the operator alone', async () => {
        const before = await network.hubOperator.getBalance();
        await announce(gas);
        expect(await network.registry.getHub(network.hub.address)).toBeNull();
        expect(before - (await network.hubOperator.getBalance())).toBeLessThan(atPrices(toNano('0.2')));
        await announce(bond);
        const listed = (await network.registry.getHub(network.hub.address))!;
        expect(listed.bondNano).toBeGreaterThanOrEqual((await network.registry.getState()).minHubBondNano);
        await network.hub.sendWithdrawListing(network.stranger.getSender(), { valueNano: gas });
        expect(await network.registry.getHub(network.hub.address)).not.toBeNull();
        await network.hub.sendWithdrawListing(network.hubOperator.getSender(), { valueNano: gas });
        expect(await network.registry.getHub(network.hub.address)).toBeNull();
        expect(before - (await network.hubOperator.getBalance())).toBeLessThan(atPrices(toNano('0.5')));
    });

    it('a hub of terms that lock clients in, or that take more than governance bears, is not listed', async () => {
        expect(await announceHostile({ closeDelaySec: 1 })).toBeNull();
        expect(await announceHostile({ maxFeeBps: 9_999 })).toBeNull();
        expect(await announceHostile({})).not.toBeNull();
    });

    it('nor is one whose close delay outlasts every client', async () => {
        expect(await announceHostile({ closeDelaySec: 0xffffffff })).toBeNull();
    });
});

describe('an operator who leaves the list', () => {
    it("takes its own bond only: other hubs' bonds and what the registry keeps stay", async () => {
        await announce(bond);
        const other = await announceHostile({ salt: 8 });
        await network.hub.sendWithdrawListing(network.hubOperator.getSender(), { valueNano: gas });
        await network.hub.sendWithdrawListing(network.hubOperator.getSender(), { valueNano: gas });
        const { hubBondsNano } = await network.registry.getState();
        expect(hubBondsNano).toBe(other!.bondNano);
    });

    it('and strangers play neither the registry that returns a bond nor the hub that asks for it', async () => {
        await announce(bond);
        const before = await network.hubOperator.getBalance();
        const excesses = beginCell().storeUint(0xd53276db, 32).storeUint(0, 64).endCell();
        const unlist = beginCell().storeUint(0xc0c00309, 32).storeUint(0, 64).endCell();
        await network.stranger.send({ to: network.hub.address, value: gas, body: excesses });
        await network.stranger.send({ to: network.registry.address, value: gas, body: unlist });
        expect(await network.hubOperator.getBalance()).toBe(before);
        expect(await network.registry.getHub(network.hub.address)).not.toBeNull();
    });
});
