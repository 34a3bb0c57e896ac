import { toNano } from '@ton/core';
import { ethereumKey } from './support/ethereum-key';
import { fillHub } from './support/filled-hub';
import { createSettlement } from './support/settlement-environment';
import { gasSteps, settleAll } from './support/settlement-gas';

// What settleFee asks for: base and line of Settle, Charge and Charged, and the acknowledgement.
const bounds = [8000 + 10 * 9500, 15_000 + 10 * 18_000, 16_000 + 10 * 11_000, 9000];

/** The largest batch under the dearest suite, at a hub of ten thousand nodes, of nodes that the escrow has kept waiting longest. */
describe('the largest batch', () => {
    it('stays within the gas that is paid up front, and leaves a tenth of the limit unused in every transaction', async () => {
        const env = await createSettlement({ nodes: 0, feeBps: 0, depositNano: toNano('100') });
        const nodes = Array.from({ length: 60 }, (_, i) => ({ key: ethereumKey(`heavy ${i}`), owner: env.settler }));
        await env.admit(nodes[0]!, { suite: 2 });
        // Ten thousand only for the batch that counts: each transaction of so large a hub takes seconds here.
        await fillHub(env, nodes, nodes.length);
        for (let start = 0; start < nodes.length; start += 10) {
            await settleAll(env, nodes.slice(start, start + 10), '0.1');
        }
        // Cells that are alike cost less to read: no two owners have the same.
        let creditNano = toNano('0.1');
        await fillHub(env, nodes, 10_000, () => creditNano++);
        const steps = gasSteps(env, await settleAll(env, nodes.slice(0, 10), '0.2'));
        expect(await env.escrow.getPaid(nodes[9]!.key.publicKey)).toBe(toNano('0.2'));
        expect(steps).toHaveLength(4);
        for (const [i, gas] of steps.entries()) expect(gas).toBeLessThanOrEqual(bounds[i]!);
        expect(Math.max(...steps)).toBeLessThanOrEqual(900_000);
    });
});
