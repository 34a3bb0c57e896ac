import type { SnpVerdict } from '../../keepers/attestation';
import { runVerifyNode } from '../../keepers/cli/verify-node-command';
import { settleUntilPaid } from '../../keepers/devnet/demo/settlement';
import { localTerms } from '../../keepers/devnet/network/local-terms';
import { Escrow, Provider } from '../../wrappers';
import { expectReceiptHolds, type ReceiptAnswer } from './receipt';
import { RunningNetwork } from './running-network';

const running = new RunningNetwork({ tees: { 'node-2': 'snp' } });

interface ShownEvidence {
    trusted: boolean;
    snp: { vek: string; chain: string };
    verdict: SnpVerdict;
}

const snpKey = () => running.network.nodeKeys()[1]!;
const kdsUrl = () => running.network.process('chain').ready['kdsUrl'] as string;

describe('a node in a SEV-SNP guest', () => {
    running.test('answers a request, and is paid on chain like the others', async () => {
        const { network } = running;
        const question = {
            model: 'cocoon-toy',
            max_tokens: 16,
            messages: [{ role: 'user' as const, content: 'Once upon a time' }],
        };
        const headers = { 'x-cocoon-node': snpKey() };
        const { data, response } = await running.client().chat.completions.create(question, { headers }).withResponse();
        expect(data.choices[0]!.message.content).toMatch(/\S/);
        expect(response.headers.get('x-cocoon-node')).toBe(snpKey());
        const id = response.headers.get('x-cocoon-receipt')!;
        const kept = await running.getJson<ReceiptAnswer>(`/cocoon/receipts/${id}`);
        expectReceiptHolds(kept);
        await settleUntilPaid(network, BigInt(kept.receipt!.costNano));
        const { paidNano } = await network.client.open(Escrow.createFromAddress(network.escrow)).getState();
        expect(paidNano.get(snpKey())).toBe(BigInt(kept.receipt!.costNano));
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
