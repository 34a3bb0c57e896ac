import { settleNow } from '../../keepers/devnet/demo/settlement';
import { claim } from '../../keepers/operator';
import { Escrow, Payout, suiteOfKey } from '../../wrappers';
import { expectReceiptHolds, type ReceiptAnswer } from './receipt';
import { RunningNetwork } from './running-network';

const running = new RunningNetwork({ signingSuites: { 'node-2': 'secp256k1' } });

/** One answer of this node, its receipt checked, and settled on chain alone. */
async function askAndSettle(nodeKey: string): Promise<{ costNano: bigint; paidNano: bigint }> {
    const { network } = running;
    const question = {
        model: 'cocoon-toy',
        max_tokens: 16,
        messages: [{ role: 'user' as const, content: 'Once upon a time' }],
    };
    const headers = { 'x-cocoon-node': nodeKey };
    const { data, response } = await running.client().chat.completions.create(question, { headers }).withResponse();
    expect(data.choices[0]!.message.content).toMatch(/\S/);
    expect(response.headers.get('x-cocoon-node')).toBe(nodeKey);
    const kept = await running.getJson<ReceiptAnswer>(`/cocoon/receipts/${response.headers.get('x-cocoon-receipt')!}`);
    expectReceiptHolds(kept);
    const { failures } = await settleNow(network);
    expect(failures).toEqual([]);
    const escrow = network.client.open(Escrow.createFromAddress(network.escrow));
    const paidNano = (await escrow.getState()).paidNano.get(nodeKey) ?? 0n;
    return { costNano: BigInt(kept.receipt!.costNano), paidNano };
}

describe('a node whose TEE key is an Ethereum key', () => {
    running.test('is registered by its quote, serves, and is paid on chain like the others', async () => {
        const { network } = running;
        const [ed25519, ethereum] = network.nodeKeys();
        expect([ed25519, ethereum].map((key) => suiteOfKey(Buffer.from(key!, 'hex')))).toEqual([1, 2]);
        const hub = network.client.open(Payout.createFromAddress(network.hub));
        expect(await hub.getNode(Buffer.from(ethereum!, 'hex'))).toMatchObject({ suite: 2 });

        const first = await askAndSettle(ed25519!);
        const second = await askAndSettle(ethereum!);
        expect(first.paidNano).toBe(first.costNano);
        expect(second.paidNano).toBe(second.costNano);
        expect(second.costNano).toBeGreaterThan(0n);

        const { owner } = network.nodes[1]!;
        const claimed = await network.act(owner, await claim(network.actors.context(owner), {}));
        expect(claimed!.claimedNano).toBeGreaterThan(0n);
    });
});
