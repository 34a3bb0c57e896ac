/**
 * `npm run bench -- gateway [--json] [--full] [--rounds N] [--only subject,subject] [--scenarios name,name]`: our
 * dispatcher and the whole way through gateway, dispatcher and node, beside a bare proxy and other people's gateways,
 * before one mock engine, in one run. Progress and the table of docs/performance.md go to standard error; the last line of
 * standard output is JSON with --json.
 */
import { cpus } from 'node:os';
import { coalesceMs } from '../../../keepers/node/coalescer';
import { measurePick } from '../capacity/measure-pick';
import { readOptions } from '../options';
import { Child } from './child';
import { Figures } from './figures';
import { headlineTable, missedTargets } from './targets';
import { measureCoalescing } from './measure-coalescing';
import { round, type Round, runRound } from './round';
import { defaultScenarios, fullScenarios, type Scenario } from './scenario';
import { type Subject, SubjectStarter } from './subjects';

const options = readOptions({
    name: 'gateway',
    about: 'What a streamed token costs on its way through gateway, dispatcher and node, beside a bare proxy.',
    options: {
        json: { type: 'boolean', default: false },
        full: { type: 'boolean', default: false },
        rounds: { type: 'string', default: '5' },
        only: { type: 'string' },
        scenarios: { type: 'string' },
    },
    says: {
        json: 'one line of JSON on standard output',
        full: 'also 2 000 streams, HTTPS, and POST in place of the link',
        rounds: 'rounds; the figures are their medians',
        only: 'subjects, separated by commas',
        scenarios: 'scenarios such as 64x50, separated by commas',
    },
});

const progress = (line: string) => process.stderr.write(`${line}\n`);
const chosen = (list: string | undefined, name: string) => list === undefined || list.split(',').includes(name);

/** Without --full or --only; each takes a share of every round. */
const onlyInFull = new Set(['dispatcherPost', 'proxyTls', 'dispatcherTls']);

function isMeasured(name: string): boolean {
    return options.only === undefined ? options.full || !onlyInFull.has(name) : chosen(options.only, name);
}

/** A JIT that has not seen the code yet is nobody's figure: some hundred requests, where what they cost is not in the tokens. */
async function warmUp(load: Child, subjects: readonly Subject[]): Promise<void> {
    const stream: Scenario = {
        name: 'warm-up',
        streams: 64,
        shape: { events: 60, intervalMs: 10 },
        rampMs: 300,
        durationMs: 0,
    };
    const whole: Scenario = { ...stream, streams: 8, shape: { events: 0, intervalMs: 0 }, durationMs: 3_000 };
    for (const subject of subjects)
        for (const scenario of [stream, whole]) report(await runRound(load, subject, scenario), scenario.name);
}

function report(of: Round, label: string): void {
    const { subject, scenario, cpuMicrosPerChunk, firstMsP50, gapMsP99, requestsPerSecond, failures, failure } = of;
    progress(
        `${label} ${scenario} ${subject}: ${cpuMicrosPerChunk} us/chunk, first ${firstMsP50} ms, gap p99 ${gapMsP99} ms, ` +
            `${requestsPerSecond} requests/s${failures > 0 ? `, ${failures} FAILED: ${failure}` : ''}`,
    );
}

/** Each round begins with another subject, so that none is always the one after the busiest. */
async function measure(load: Child, subjects: readonly Subject[], scenarios: readonly Scenario[]): Promise<Round[]> {
    const rounds: Round[] = [];
    for (let number = 0; number < Number(options.rounds); number++)
        for (const scenario of scenarios)
            for (let turn = 0; turn < subjects.length; turn++) {
                const subject = subjects[(turn + number) % subjects.length]!;
                const measured = await runRound(load, subject, scenario);
                rounds.push(measured);
                report(measured, `round ${number + 1}`);
            }
    return rounds;
}

async function main(): Promise<void> {
    const startMs = performance.now();
    progress('picking among 10 000 nodes');
    const { pickP50Micros, pickP99Micros } = await measurePick();
    progress('coalescing alone');
    const coalescingAddedMsP99 = round(await measureCoalescing());
    const upstream = await Child.startRole('upstream', 'upstream');
    const load = await Child.startRole('load', 'load');
    const started = await new SubjectStarter(upstream.facts.url, progress, isMeasured).startAll();
    const { subjects } = started;
    const scenarios = (options.full ? fullScenarios : defaultScenarios).filter(({ name }) =>
        chosen(options.scenarios, name),
    );
    try {
        await warmUp(load.child, subjects);
        const rounds = await measure(load.child, subjects, scenarios);
        const figures = new Figures(rounds);
        const table = figures.table(
            scenarios.map(({ name }) => name),
            subjects.map(({ name }) => name),
        );
        const headline = { ...figures.headline(), coalescingAddedMsP99, pickP50Micros, pickP99Micros };
        const result = {
            ...headline,
            missed: missedTargets(headline),
            roundsWithFailures: rounds.filter(({ failures }) => failures > 0).length,
            unavailable: started.unavailable,
            coalesceMs,
            machine: { cpu: cpus()[0]?.model ?? 'unknown', cores: cpus().length, node: process.version },
            tookSeconds: Math.round((performance.now() - startMs) / 1000),
            medians: table,
            rounds,
        };
        progress(headlineTable(headline));
        if (options.json) process.stdout.write(`${JSON.stringify(result)}\n`);
        else process.stdout.write(`${JSON.stringify({ ...result, rounds: undefined }, null, 2)}\n`);
    } finally {
        started.stop();
        load.child.stop();
        upstream.child.stop();
    }
}

main().catch((error: unknown) => {
    process.stderr.write(
        `the bench failed: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`,
    );
    process.exit(1);
});
