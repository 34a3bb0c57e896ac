import { toNano } from '@ton/core';
import { SendMessageResult } from '@ton/sandbox';
import { loadNodePruned, Payout as PayoutBinding } from '../../build/Payout/Payout_Payout';
import { admittedNodes, Escrow, payoutErrors } from '../../wrappers';
import { testKey } from './support/ed25519';
import { fillHub, setRosterCounts } from './support/filled-hub';
import { exitCodeOf } from './support/settlement-outcomes';
import {
    closeDelaySec,
    createSettlement,
    SettlementEnvironment,
    startTime,
    TestNode,
} from './support/settlement-environment';
import { atPrices } from '../support/fee-config';

const maxNodes = 10_000;
const maxOwners = 10_000;
const maxRefunds = 1000;

let env: SettlementEnvironment;
let node: TestNode;

beforeEach(async () => {
    env = await createSettlement({ feeBps: 0 });
    node = { key: testKey('ageing'), owner: env.settler };
});

afterEach(() => {
    expect(env.money.leak()).toBe(0n);
});

function expectRefused(result: SendMessageResult, text: string): void {
    expect(payoutErrors.get(exitCodeOf(result, env.hub.address) ?? 0)).toBe(text);
}

const prune = (valueNano?: bigint) =>
    env.hub.sendPruneNode(env.client.getSender(), { nodeKey: node.key.publicKey, ...(valueNano && { valueNano }) });

describe('a node is forgotten', () => {
    it.each([
        ['expired', { notAfter: startTime + 100 }],
        ['was revoked', { revokedAt: startTime + 100 }],
    ])('by anyone, a second after its receipts are accepted no more since it %s', async (_, admission) => {
        await env.admit(node, admission);
        await env.settle([env.line(node, { receiptNano: toNano('1') })]);
        env.at(startTime + 100 + closeDelaySec);
        expectRefused(await prune(), "Payout: the node's receipts are still accepted");
        expect((await env.hub.getState()).nodeCount).toBe(2);
        env.at(startTime + 100 + closeDelaySec + 1);
        const result = await prune();
        expect(loadNodePruned(result.externals[0]!.body.beginParse()).nodeKey).toBe(
            BigInt('0x' + node.key.publicKey.toString('hex')),
        );
        expect(await env.hub.getNode(node.key.publicKey)).toBeNull();
        expect(await env.hub.getState()).toMatchObject({ nodeCount: 1, ownerCount: 2 });
        expect(await env.hub.getCredit(env.settler.address)).toBe(toNano('1'));
    });

    it('and who asked for it gets the excess and no more', async () => {
        await env.admit(node, { notAfter: startTime });
        env.at(startTime + closeDelaySec + 1);
        const hubBefore = (await env.blockchain.getContract(env.hub.address)).balance;
        const before = await env.client.getBalance();
        await prune(toNano('1'));
        const cost = before - (await env.client.getBalance());
        expect(cost).toBeGreaterThan(0n);
        expect(cost).toBeLessThan(await env.hub.getPruneFee());
        expect((await env.blockchain.getContract(env.hub.address)).balance).toBeLessThanOrEqual(hubBefore);
    });

    it('and can be admitted again, under its owner of before, for a new entry fee', async () => {
        await env.admit(node, { notAfter: startTime });
        await env.settle([env.line(node, { receiptNano: toNano('1') })]);
        env.at(startTime + closeDelaySec + 1);
        await prune();
        await env.admit(node, { notAfter: startTime + 2 * closeDelaySec });
        expect(await env.hub.getState()).toMatchObject({ nodeCount: 2, ownerCount: 2 });
    });

    it('and has no second payment for the same receipts when it is admitted again', async () => {
        await env.admit(node, { notAfter: startTime });
        const lines = [env.line(node, { receiptNano: toNano('1') })];
        await env.settle(lines);
        env.at(startTime + closeDelaySec + 1);
        await prune();
        await env.admit(node, { notAfter: startTime + 2 * closeDelaySec });
        await env.settle(lines);
        expect(await env.hub.getCredit(env.settler.address)).toBe(toNano('1'));
    });

    it('only once', async () => {
        await env.admit(node, { notAfter: startTime });
        env.at(startTime + closeDelaySec + 1);
        await prune();
        expectRefused(await prune(), 'Payout: unknown node');
    });

    it('for a value that is not one nanoTON below the fee', async () => {
        await env.admit(node, { notAfter: startTime });
        env.at(startTime + closeDelaySec + 1);
        const fee = await env.hub.getPruneFee();
        expectRefused(await prune(fee - 1n), 'Payout: value below fees');
        await prune(fee);
        expect(await env.hub.getNode(node.key.publicKey)).toBeNull();
    });
});

describe('all nodes of a hub are read at once', () => {
    const nodesRead = async () => admittedNodes(await env.hub.getStoredNodes());

    it('as the getter says of each: one that lives, one that ends, one that was revoked', async () => {
        const others = [
            { key: testKey('ends early'), owner: env.settler },
            { key: testKey('revoked'), owner: env.settler },
        ];
        await env.admit(node);
        await env.admit(others[0]!, { notAfter: startTime + 100 });
        await env.admit(others[1]!, { revokedAt: startTime + 50 });
        const read = await nodesRead();
        expect(read.size).toBe((await env.hub.getState()).nodeCount);
        for (const { key } of [node, ...others, ...env.nodes])
            expect(read.get(key.publicKey.toString('hex'))).toEqual(await env.hub.getNode(key.publicKey));
    });

    it('and not one that was pruned', async () => {
        await env.admit(node, { notAfter: startTime });
        env.at(startTime + closeDelaySec + 1);
        await prune();
        expect((await nodesRead()).has(node.key.publicKey.toString('hex'))).toBe(false);
    });

    it('of a full hub', async () => {
        await fillHub(env, [node], maxNodes);
        const read = await nodesRead();
        expect(read.size).toBe(maxNodes);
        expect(read.get(node.key.publicKey.toString('hex'))).toEqual(await env.hub.getNode(node.key.publicKey));
    });
});

describe('a hub has room', () => {
    it('for ten thousand nodes and not one more, but still prolongs those it has', async () => {
        await setRosterCounts(env, { nodeCount: maxNodes - 1 });
        await env.admit(node);
        const another = { key: testKey('another'), owner: env.settler };
        expectRefused(await env.admit(another), 'Payout: no room for another node');
        expect((await env.hub.getState()).nodeCount).toBe(maxNodes);
        await env.admit(node, { notAfter: startTime + 10 * 86_400 });
        expect((await env.hub.getNode(node.key.publicKey))!.notAfter).toBe(startTime + 10 * 86_400);
    });

    it('for ten thousand owners and not one more, but still for further nodes of those', async () => {
        await setRosterCounts(env, { ownerCount: maxOwners });
        expectRefused(await env.admit(node), 'Payout: no room for another owner');
        await env.admit({ key: testKey('second'), owner: env.nodes[0]!.owner });
        expect(await env.hub.getState()).toMatchObject({ nodeCount: 2, ownerCount: maxOwners });
    });

    it('for the last owner', async () => {
        await setRosterCounts(env, { ownerCount: maxOwners - 1 });
        await env.admit(node);
        await env.settle([env.line(node, { receiptNano: toNano('1') })]);
        expect(await env.hub.getCredit(env.settler.address)).toBe(toNano('1'));
    });

    it('for a thousand settlers whose value came back; what comes back of another joins the reserve', async () => {
        await setRosterCounts(env, { refundCount: maxRefunds });
        await settleWithNobody();
        expect(await env.hub.getCredit(env.settler.address)).toBe(0n);
        expect((await env.hub.getState()).liabilitiesNano).toBe(0n);
        await setRosterCounts(env, { refundCount: maxRefunds - 1 });
        const result = await settleWithNobody();
        expect(await env.hub.getCredit(env.settler.address)).toBeGreaterThan(toNano('1') - atPrices(toNano('0.1')));
        const held = result.externals.find(
            (out) => out.body.beginParse().preloadUint(32) === PayoutBinding.opcodes.RefundHeld,
        );
        expect(held).toBeDefined();
        await settleWithNobody();
        expect(await env.hub.getCredit(env.settler.address)).toBeGreaterThan(toNano('2') - atPrices(toNano('0.2')));
    });
});

/** Of an escrow that does not exist. */
async function settleWithNobody(): Promise<SendMessageResult> {
    const { hub, network, client } = env;
    const config = { hub: hub.address, network, client: client.address, index: 99, closeDelaySec };
    const missing = await Escrow.createFromConfig(config);
    const line = env.line(env.nodes[0]!, { receiptNano: 1n, scope: { escrow: missing.address.hash } });
    return env.settle([line], { escrow: missing.address, valueNano: toNano('1') });
}
