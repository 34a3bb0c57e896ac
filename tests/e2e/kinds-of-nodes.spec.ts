import type { SnpVerdict } from '../../keepers/attestation';
import { runVerifyNode } from '../../keepers/cli/verify-node-command';
import { settleUntilPaid } from '../../keepers/devnet/demo/settlement';
import { localTerms } from '../../keepers/devnet/network/local-terms';
import { claim } from '../../keepers/operator';
import { Escrow, Payout, Provider, suiteOfKey } from '../../wrappers';
import { expectReceiptHolds, type ReceiptAnswer } from './receipt';
import { RunningNetwork } from './running-network';

/** One network of two nodes, neither of which is of the usual kind: launching one takes most of the time here. */
const running = new RunningNetwork({ signingSuites: { 'node-1': 'secp256k1' }, tees: { 'node-2': 'snp' } });

interface ShownEvidence {
    trusted: boolean;
    snp: { vek: string; chain: string };
    verdict: SnpVerdict;
}

const ethereumKey = () => running.network.nodeKeys()[0]!;
const snpKey = () => running.network.nodeKeys()[1]!;
const kdsUrl = () => running.network.process('chain').ready['kdsUrl'] as string;

async function paidNanoByKey(): Promise<Map<string, bigint>> {
    const { network } = running;
    return (await network.client.open(Escrow.createFromAddress(network.escrow)).getState()).paidNano;
}

/** One answer of this node, its receipt checked, settled on chain; gives what it cost and what the chain has paid for it. */
async function askAndSettle(nodeKey: string): Promise<{ costNano: bigint; paidNano: bigint }> {
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
    const costNano = BigInt(kept.receipt!.costNano);
    const before = await paidNanoByKey();
    const wantedNano = [...before.values()].reduce((sum, paidNano) => sum + paidNano, costNano);
    const { settled } = await settleUntilPaid(running.network, wantedNano);
    expect(settled.flatMap(({ failures }) => failures)).toEqual([]);
    const paidNano = ((await paidNanoByKey()).get(nodeKey) ?? 0n) - (before.get(nodeKey) ?? 0n);
    return { costNano, paidNano };
}

describe('a node whose TEE key is an Ethereum key', () => {
    running.test('is registered by its quote, serves, and is paid on chain like one with an Ed25519 key', async () => {
        const { network } = running;
        expect(network.nodeKeys().map((key) => suiteOfKey(Buffer.from(key, 'hex')))).toEqual([2, 1]);
        const hub = network.client.open(Payout.createFromAddress(network.hub));
        expect(await hub.getNode(Buffer.from(ethereumKey(), 'hex'))).toMatchObject({ suite: 2 });

        for (const key of [snpKey(), ethereumKey()]) {
            const { costNano, paidNano } = await askAndSettle(key);
            expect(paidNano).toBe(costNano);
            expect(costNano).toBeGreaterThan(0n);
        }
        const { owner } = network.nodes[0]!;
        const claimed = await network.act(owner, await claim(network.actors.context(owner), {}));
        expect(claimed!.claimedNano).toBeGreaterThan(0n);
    });
});

describe('a node in a SEV-SNP guest', () => {
    running.test('answers a request, and is paid on chain like one in a TDX guest', async () => {
        const { costNano, paidNano } = await askAndSettle(snpKey());
        expect(paidNano).toBe(costNano);
    });

    running.test('shows its report, which stands up to a look by hand', async () => {
        const { network } = running;
        const shown = await running.getJson<ShownEvidence>(`/cocoon/attestation/${snpKey()}`);
        expect(shown).toMatchObject({ trusted: true, verdict: { kind: 'snp', verdict: 'accepted', product: 'Milan' } });
        expect(Object.values(shown.verdict.checks)).not.toContain('unchecked');
        expect(shown.snp.chain.match(/BEGIN CERTIFICATE/g)).toHaveLength(2);
        const by = { node: snpKey(), deployment: network.layout.deployment, json: true };
        for (const options of [{ kdsUrl: kdsUrl() }, { useServedCollateral: true }]) {
            const { output, exitCode } = await runVerifyNode(running.url, { ...by, ...options });
            expect([exitCode, (JSON.parse(output) as { verdict: string }).verdict]).toEqual([0, 'accepted']);
        }
        // Without the deployment the roots are AMD's, under which no simulated guest has a key.
        const byAmd = await runVerifyNode(running.url, { node: snpKey(), useServedCollateral: true, json: true });
        expect(byAmd.exitCode).toBe(1);
    });

    running.test('has its key under the higher bond, where no contract knows of a platform', async () => {
        const { network } = running;
        const provider = network.client.open(Provider.createFromAddress(network.nodes[1]!.provider));
        expect(await provider.getKey(Buffer.from(snpKey(), 'hex'))).toMatchObject({
            bondNano: localTerms.minClientVerifiedBondNano,
            platformId: Buffer.alloc(32),
        });
    });
});
