/**
 * `npm run soak -- --steps N --seed S [--workers N] [--json]`, or `--replay FILE` for a saved run. Progress goes to standard error; the last line
 * of standard output is one JSON object. Exit code 1 when a rule did not hold; the run, shrunk, is then in regressions/.
 */
import { parseArgs } from 'node:util';
import { z } from 'zod';
import { readRegression } from './regression';
import { runWorld } from './run-world';
import { jobsOf, soak, WorldReport } from './soak';

const options = z.strictObject({
    steps: z.coerce.number().int().min(1).max(10_000_000).default(4000),
    seed: z.coerce.number().int().min(0).max(2_000_000).default(1),
    workers: z.coerce.number().int().min(1).max(64).default(2),
    json: z.boolean().default(false),
    replay: z.string().optional(),
});

type Options = z.infer<typeof options>;

interface Result {
    ok: boolean;
    operations: number;
    rejections: number;
    checks: number;
    seed: number;
    failure?: WorldReport['failure'];
}

async function replay(file: string, seed: number): Promise<Result> {
    const { operations } = readRegression(file);
    const { tally, failure } = await runWorld(operations);
    if (failure === null) return { ok: true, ...tally, seed };
    return { ok: false, ...tally, seed, failure: { ...failure, operations: operations.length, runs: 1, file } };
}

async function run({ steps, seed, workers }: Options): Promise<Result> {
    const started = performance.now();
    const result: Result = { ok: true, operations: 0, rejections: 0, checks: 0, seed };
    await soak(jobsOf(steps, seed), workers, ({ seed: world, tally, failure }) => {
        result.operations += tally.operations;
        result.rejections += tally.rejections;
        result.checks += tally.checks;
        const seconds = Math.round((performance.now() - started) / 1000);
        process.stderr.write(
            `world ${world}: ${result.operations} of ${steps} operations, ${result.checks} checks, ${seconds} s\n`,
        );
        if (failure === null || !result.ok) return;
        result.ok = false;
        result.failure = failure;
    });
    return result;
}

function tell(result: Result): void {
    if (result.failure) {
        const { rule, detail, operations, runs, file } = result.failure;
        process.stdout.write(
            `does not hold: ${rule}\n${detail}\n${operations} operations after ${runs} runs: ${file}\n`,
        );
        return;
    }
    process.stdout.write(
        `${result.operations} operations, ${result.rejections} of their messages refused, ${result.checks} checks: fine\n`,
    );
}

async function main(): Promise<void> {
    const { values } = parseArgs({
        options: {
            steps: { type: 'string' },
            seed: { type: 'string' },
            workers: { type: 'string' },
            json: { type: 'boolean' },
            replay: { type: 'string' },
        },
    });
    const parsed = options.safeParse(values);
    if (!parsed.success) {
        process.stderr.write(`${z.prettifyError(parsed.error)}\n`);
        process.exitCode = 2;
        return;
    }
    const { data } = parsed;
    const result = data.replay === undefined ? await run(data) : await replay(data.replay, data.seed);
    if (!data.json) tell(result);
    process.stdout.write(`${JSON.stringify(result)}\n`);
    process.exitCode = result.ok ? 0 : 1;
}

void main();
