import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';

const entry = path.resolve(__dirname, '../../keepers/cli/cocoon.cjs');

interface DemoJson {
    ok: boolean;
    answers: { text: string; usage: { completion_tokens: number }; costNano: string }[];
    client: { depositNano: string; chargedNano: string; withdrawnNano: string };
    providers: { claimedNano: string }[];
    dispatcher: { feeNano: string };
    network: { gasNano: string };
    conserved: boolean;
    plaintextSeenByDispatcher: number;
    evidence: { tee: string; trusted: boolean; gpus: { chip: string }[]; gpusJudgedBy: string }[];
    tamper: Record<'chain' | 'gateway', { refused: boolean; reason: string }>;
}

function sum(amounts: string[]): bigint {
    return amounts.reduce((total, amount) => total + BigInt(amount), 0n);
}

describe('cocoon demo --json', () => {
    let report: DemoJson;

    beforeAll(async () => {
        const { stdout } = await promisify(execFile)(process.execPath, [entry, 'demo', '--json'], { timeout: 280_000 });
        // Nothing but one JSON object on standard output.
        report = JSON.parse(stdout) as DemoJson;
    }, 300_000);

    it('answers with text and usage', () => {
        expect(report.ok).toBe(true);
        expect(report.answers.length).toBeGreaterThanOrEqual(4);
        for (const { text, usage } of report.answers) {
            expect(text).not.toBe('');
            expect(usage.completion_tokens).toBeGreaterThan(0);
        }
    });

    it('charges the sum of the receipts and shares all of it out, to the nanoTON', () => {
        const charged = BigInt(report.client.chargedNano);
        expect(charged).toBe(sum(report.answers.map(({ costNano }) => costNano)));
        expect(sum([...report.providers.map(({ claimedNano }) => claimedNano), report.dispatcher.feeNano])).toBe(
            charged,
        );
        expect(BigInt(report.client.withdrawnNano)).toBe(BigInt(report.client.depositNano) - charged);
        expect(BigInt(report.network.gasNano)).toBeGreaterThan(0n);
        expect(report.conserved).toBe(true);
    });

    it('relies on evidence of each node and of its GPUs', () => {
        expect(report.evidence).toHaveLength(2);
        for (const shown of report.evidence) {
            expect(shown).toMatchObject({ trusted: true, gpus: [{ chip: 'GH100' }], gpusJudgedBy: 'nras' });
        }
    });

    it('shows the dispatcher no plaintext', () => {
        expect(report.plaintextSeenByDispatcher).toBe(0);
    });

    it('has a changed quote refused by the chain and by a gateway, for the right reason', () => {
        expect(report.tamper.chain).toEqual({
            refused: true,
            reason: 'QuoteVerifier: quote is not signed by the attestation key',
        });
        expect(report.tamper.gateway.refused).toBe(true);
        expect(report.tamper.gateway.reason).toMatch(/^quote_signature: /);
    });
});
