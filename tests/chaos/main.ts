/**
 * `npm run chaos -- --minutes N --seed S`: a storm over the whole network, then quiet, then the audit. Progress goes to
 * standard error; the last line of standard output is one JSON object. Exit code 1 when a rule did not hold or the network
 * did not come back, 2 for wrong options. See docs/chaos.md.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { z } from 'zod';
import { errorMessage } from '../../keepers/base';
import { faultKinds } from './faults';
import { storm, type StormResult } from './storm';

const kindNames = faultKinds.map(({ name }) => name);

const options = z.strictObject({
    minutes: z.coerce.number().min(0.05).max(1_440).default(5),
    kills: z.coerce.number().int().min(1).max(100_000).optional(),
    seed: z.coerce.number().int().min(0).max(0xffff_ffff).default(1),
    callers: z.coerce.number().int().min(1).max(64).default(3),
    only: z
        .string()
        .transform((list) => list.split(','))
        .pipe(z.array(z.enum(kindNames)).min(1))
        .optional(),
    keep: z.boolean().default(false),
    help: z.boolean().default(false),
});
type Options = z.output<typeof options>;

const help = `npm run chaos -- [--minutes N | --kills N] [--seed S] [--callers N] [--only KIND,...] [--keep]

  --minutes N     how long things go wrong, 5 unless given; setting up, quiet and audit come on top
  --kills N       no storm, but so many times kill -9 of the dispatcher and the settlers at random instants
  --seed S        the storm's: the same seed plans the same faults, 1 unless given
  --callers N     clients at each of the two gateways, 3 unless given
  --only KIND,... of ${kindNames.join(', ')}
  --keep          leave the folder with ledgers, logs and the diary of faults; a storm that fails always leaves it
`;

function report(seed: number, result: StormResult) {
    const { report: audited, ...counts } = result;
    const { findings, settled, outstanding, lost, duplicated } = audited;
    return {
        ok: findings.ok && result.acknowledged > 0,
        ...counts,
        settled,
        outstanding,
        lost,
        duplicated,
        checks: findings.checks,
        findings: findings.list,
        seed,
    };
}

async function run({ keep, ...chosen }: Options): Promise<boolean> {
    const dir = mkdtempSync(path.join(tmpdir(), 'cocoon-chaos-'));
    const say = (line: string) => void process.stderr.write(`${line}\n`);
    let told: { ok: boolean; [fact: string]: unknown };
    try {
        told = report(chosen.seed, await storm({ dir, say, ...chosen }));
    } catch (error) {
        const cause = error instanceof Error && error.cause !== undefined ? `: ${errorMessage(error.cause)}` : '';
        told = { ok: false, failure: `${errorMessage(error)}${cause}`, seed: chosen.seed };
    }
    if (told.ok && !keep) rmSync(dir, { recursive: true, force: true });
    else told = { ...told, dir };
    if (!told.ok) say(`again: npm run chaos -- ${process.argv.slice(2).join(' ')} --seed ${chosen.seed}`);
    process.stdout.write(`${JSON.stringify(told)}\n`);
    return told.ok;
}

async function main(): Promise<void> {
    const { values } = parseArgs({
        options: {
            minutes: { type: 'string' },
            kills: { type: 'string' },
            seed: { type: 'string' },
            callers: { type: 'string' },
            only: { type: 'string' },
            keep: { type: 'boolean' },
            help: { type: 'boolean' },
        },
    });
    const parsed = options.safeParse(values);
    if (!parsed.success) {
        process.stderr.write(`${z.prettifyError(parsed.error)}\n${help}`);
        process.exitCode = 2;
        return;
    }
    if (parsed.data.help) return void process.stdout.write(help);
    process.exitCode = (await run(parsed.data)) ? 0 : 1;
}

void main();
