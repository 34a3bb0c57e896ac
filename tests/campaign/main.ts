/**
 * Long comparisons of the verifier contract with what it must agree with, against the real code in the emulator:
 * `npm run campaign -- p256 [--count 10000]`             random and tampered signatures
 * `npm run campaign -- verdicts [--count 5000] [--seed 1]`  minted and changed evidence, judged on chain and off
 * Progress goes to stderr; the last line is one JSON object with `ok`. Exit code 1 on any disagreement.
 */
import { parseArgs } from 'node:util';
import { runP256Campaign } from './p256';
import { runVerdictCampaign } from './verdicts';

async function main(): Promise<void> {
    const { positionals, values } = parseArgs({
        allowPositionals: true,
        options: { count: { type: 'string' }, seed: { type: 'string', default: '1' } },
    });
    const [name] = positionals;
    const started = performance.now();
    if (name !== 'p256' && name !== 'verdicts') throw new Error('name a campaign: p256 or verdicts');
    const count = Number(values.count ?? (name === 'p256' ? 10_000 : 5000));
    if (!Number.isSafeInteger(count) || count < 1) throw new Error('--count must be a whole number above 0');
    const report = (done: number) => {
        if (done % 500 === 0) process.stderr.write(`${done} of ${count}\n`);
    };
    const result =
        name === 'p256'
            ? await runP256Campaign({ count }, report)
            : await runVerdictCampaign({ count, seed: Number(values.seed) }, report);
    const ok = 'wrong' in result ? result.wrong.length === 0 : result.disagreements.length === 0;
    const seconds = Math.round((performance.now() - started) / 1000);
    process.stdout.write(`${JSON.stringify({ ok, campaign: name, ...result, seconds })}\n`);
    process.exitCode = ok ? 0 : 1;
}

main().catch((error: unknown) => {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 2;
});
