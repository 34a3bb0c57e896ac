import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { toNano } from '@ton/core';
import { SendMessageResult } from '@ton/sandbox';
import { fillHub } from '../contracts/support/filled-hub';
import { createSettlement, SettlementEnvironment } from '../contracts/support/settlement-environment';
import { gasAt } from '../contracts/support/settlement-outcomes';

const baseline = JSON.parse(readFileSync(join(__dirname, 'baseline.json'), 'utf8')) as Record<string, number>;

/** Gas of both contracts in the whole trace; wallets are left out. */
function gasOf(env: SettlementEnvironment, result: SendMessageResult): number {
    return Number(gasAt(result, env.hub.address) + gasAt(result, env.escrow.address));
}

/** Any difference fails: a change of cost is committed with the change that caused it. */
describe('gas', () => {
    it('of settling one line: settle1Line', async () => {
        const env = await createSettlement();
        await env.settle([env.line(env.nodes[0]!, { receiptNano: toNano('1') })]);
        const result = await env.settle([env.line(env.nodes[0]!, { receiptNano: toNano('2') })]);
        expect(await env.escrow.getPaid(env.nodes[0]!.key.publicKey)).toBe(toNano('2'));
        expect(gasOf(env, result)).toBe(baseline.settle1Line);
    });

    it('of settling ten lines of ten owners at a hub of 2 000 nodes: settle10Lines', async () => {
        const env = await createSettlement({ nodes: 10, feeBps: 0 });
        await fillHub(env, env.nodes, 2000);
        await env.settle(env.nodes.map((node) => env.line(node, { receiptNano: toNano('0.1') })));
        const result = await env.settle(env.nodes.map((node) => env.line(node, { receiptNano: toNano('0.2') })));
        for (const node of env.nodes) expect(await env.escrow.getPaid(node.key.publicKey)).toBe(toNano('0.2'));
        expect(gasOf(env, result)).toBe(baseline.settle10Lines);
    });

    it('of a claim: claim', async () => {
        const env = await createSettlement();
        await env.settle([env.line(env.nodes[0]!, { receiptNano: toNano('1') })]);
        const result = await env.hub.sendClaim(env.nodes[0]!.owner.getSender());
        expect(gasOf(env, result)).toBe(baseline.claim);
    });

    it('of opening an escrow again: openEscrow', async () => {
        const env = await createSettlement();
        await env.escrow.sendClose(env.client.getSender());
        env.at(env.blockchain.now! + 3601);
        await env.escrow.sendWithdraw(env.client.getSender());
        expect(gasOf(env, await env.open())).toBe(baseline.openEscrow);
    });

    it('of a top-up: topUp', async () => {
        const env = await createSettlement();
        const result = await env.escrow.sendTopUp(env.client.getSender(), { valueNano: toNano('1') });
        expect(gasOf(env, result)).toBe(baseline.topUp);
    });
});
