import { toNano } from '@ton/core';
import { walletKeyFromSeed } from '../../../keepers/chain';
import type { OutboxSender } from '../../../keepers/outbox';
import { actCostNano } from '../../../keepers/watchdog';
import { type ActPlace, sendAct } from '../../../keepers/watchdog/send-act';
import { Provider } from '../../../wrappers';
import { seedOf, useDevnet } from '../chain/devnet-fixture';
import { useTemporarySenders } from '../outbox/temporary-sender';
import { createHub, type HubFixture } from '../settlement/hub-fixture';

const fixture = useDevnet();
const senders = useTemporarySenders();
let hub: HubFixture;

beforeAll(async () => {
    hub = await createHub(fixture);
});

async function watcher(name: string): Promise<OutboxSender> {
    const sender = senders.open({ client: fixture.client, key: walletKeyFromSeed(seedOf(name)) });
    await fixture.devnet.chain.payFromFaucet(sender.wallet.address, toNano('10'));
    return sender;
}

async function placeOf(name: string): Promise<ActPlace> {
    const { client } = fixture;
    const registry = hub.registry.address;
    return { client, reader: fixture.reader(registry), sender: await watcher(name), registry, hub: hub.hub.address };
}

describe('the acts of a watchdog on a devnet', () => {
    it('slash a node that signed two histories, for a reward, and two watchdogs slash it once', async () => {
        const node = await hub.admitNode('two-faced');
        const escrow = await hub.openEscrow('slashing client', toNano('5'));
        const [one, other] = [escrow.receipt(node, 1, 100n), escrow.receipt(node, 1, 200n)];
        const owner = await fixture.wallet('owner of two-faced', 0n);
        const { address } = await Provider.createFromConfig({ registry: hub.registry.address, owner: owner.address });
        const { escrow: account, epoch } = one;
        const evidence = {
            provider: address,
            nodeKey: node.publicKey,
            escrow: account,
            epoch,
            receipts: [one, other] as const,
        };
        const act = {
            kind: 'slash',
            key: node.publicKey.toString('hex'),
            evidence,
            rewardNano: toNano('0.1'),
            usefulUntilSec: 2 ** 31,
        } as const;
        const [first, second] = [await placeOf('first watchdog'), await placeOf('second watchdog')];
        const before = await first.sender.wallet.getBalanceNano();
        const cost = await actCostNano(fixture.client.open(hub.hub));
        expect(await sendAct(first, act, cost('slash'))).toMatchObject({ error: null, outcomes: ['confirmed'] });
        const gainedNano = (await first.sender.wallet.getBalanceNano()) - before;
        expect(gainedNano).toBeGreaterThan(0n);
        const late = await sendAct(second, act, cost('slash'));
        expect(late.outcomes).toEqual(['confirmed']);
        expect(late).toMatchObject({ result: null, error: { code: 'act_done' } });
        const { isSlashed } = (await fixture.client.open(Provider.createFromAddress(address)).getKey(node.publicKey))!;
        expect(isSlashed).toBe(true);
    });

    it('cost what was estimated for them, or less', async () => {
        const cost = await actCostNano(fixture.client.open(hub.hub));
        expect(cost('recheck')).toBeGreaterThan(cost('slash'));
        const node = await hub.admitNode('short-lived');
        await fixture.devnet.chain.warp(2 * 86_400);
        const place = await placeOf('pruner');
        const act = { kind: 'prune', key: node.publicKey.toString('hex'), nodeKey: node.publicKey } as const;
        const { result, outcomes } = await sendAct(place, act, cost('prune'));
        expect(outcomes).toEqual(['confirmed']);
        // The wallet's own transaction and message are not in the contracts' gas.
        expect(result!.feeNano).toBeLessThan(cost('prune') + toNano('0.01'));
        expect(await fixture.client.open(hub.hub).getNode(node.publicKey)).toBeNull();
    });
});
