import { operationsOf } from './operation';
import { saveRegression } from './regression';
import { runWorld } from './run-world';
import { shrink } from './shrink';
import { WorldJob, WorldReport } from './soak';

/** A run of hundreds of operations shrinks to a handful in well under this. */
const shrinkTimeMs = 240_000;

async function report({ seed, length }: WorldJob): Promise<WorldReport> {
    const operations = operationsOf(seed, length);
    const { tally, failure } = await runWorld(operations);
    if (failure === null) return { seed, tally, failure: null };
    const shrunk = await shrink(operations, failure, Date.now() + shrinkTimeMs);
    const { rule, detail } = shrunk.failure;
    const file = saveRegression({ rule, detail, operations: shrunk.operations }, seed);
    return { seed, tally, failure: { rule, detail, operations: shrunk.operations.length, runs: shrunk.runs, file } };
}

process.on('message', (job: WorldJob) => {
    report(job).then(
        (done) => process.send!(done),
        (error: unknown) => {
            process.stderr.write(`world ${job.seed}: ${error instanceof Error ? error.stack : String(error)}\n`);
            process.exit(1);
        },
    );
});
