/**
 * `npm run mutate:contracts -- [--resume] [--jobs N] [--only PART]`: breaks one condition of the contracts at a time, in a
 * copy, and looks for a test that fails. `--only` takes the mutants whose ids contain PART, for example Payout or
 * contracts/escrow.tact. Exit code 1 when one survives without a reason in justified.json; the last line is one JSON object.
 */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import PQueue from 'p-queue';
import { stagesFor } from './chosen-tests';
import { Bindings, CompileError, ContractCompiler, readSources, Sources } from './compiler';
import { errorConstantsOf, findMutants, Mutant } from './mutants';
import { MutantRecord, Records } from './records';
import { Justification, summarize } from './report';
import { Workplace } from './workplace';

const root = path.resolve(__dirname, '../..');
const timeLimitMs = 240_000;
const provingLimitMs = 900_000;

const { values: options } = parseArgs({
    options: {
        resume: { type: 'boolean', default: false },
        jobs: { type: 'string', default: '2' },
        only: { type: 'string', default: '' },
    },
});

class MutationRun {
    private readonly compiler = new ContractCompiler(root);
    private readonly sources: Sources = readSources(root);
    private readonly specs = readSpecs();
    private readonly records = Records.open(
        path.join(root, '.cache', 'mutation', 'records.json'),
        digest(this.sources),
        options.resume,
    );
    private readonly constants = errorConstantsOf(this.sources);
    readonly mutants = [...this.sources]
        .flatMap(([file, source]) => findMutants(file, source, this.constants))
        .filter(({ id }) => id.includes(options.only));

    async run(jobs: number): Promise<void> {
        const original = await this.compileAll(this.compiler.projects, this.sources);
        const workplaces = Array.from({ length: jobs }, (_, i) => Workplace.create(root, `job-${i + 1}`, original));
        await this.prove(workplaces[0]!);
        const open = this.mutants.filter(({ id }) => this.records.get(id)?.fate !== 'killed');
        say(`${this.mutants.length} mutants, ${open.length} to try`);
        const queue = new PQueue({ concurrency: jobs });
        await queue.addAll(
            open.map((mutant) => async () => {
                const workplace = workplaces.pop()!;
                const record = await this.try(mutant, workplace).finally(() => workplaces.push(workplace));
                this.records.set(mutant.id, record);
                say(`${record.fate}, ${record.seconds} s: ${mutant.id} (line ${mutant.site.line})`);
            }),
        );
    }

    summary() {
        const justifications = JSON.parse(
            readFileSync(path.join(__dirname, 'justified.json'), 'utf8'),
        ) as Justification[];
        return summarize(this.mutants, this.records, justifications, options.only === '');
    }

    /** A failure means something only where the unchanged contracts pass. */
    private async prove(workplace: Workplace): Promise<void> {
        const stages = this.mutants.flatMap(({ site }) => stagesFor(site, this.specs));
        const files = new Set(stages.flatMap((stage) => stage.files));
        const specs = digest(new Map([...this.specs].filter(([file]) => files.has(file))));
        if (this.records.isProven(specs)) return;
        const { outcome, failed } = await workplace.test({ files: [...files], names: null }, provingLimitMs);
        if (outcome !== 'passed') throw new Error(`the unchanged contracts do not pass: ${failed ?? outcome}`);
        this.records.prove(specs);
    }

    private async try(mutant: Mutant, workplace: Workplace): Promise<MutantRecord> {
        const startedAt = performance.now();
        const record = (fate: MutantRecord['fate'], by: string | null): MutantRecord => {
            return { fate, by, seconds: Math.round((performance.now() - startedAt) / 1000) };
        };
        try {
            workplace.put(await this.compileMutant(mutant));
        } catch (error) {
            if (error instanceof CompileError) return record('does not compile', error.message.slice(0, 300));
            throw error;
        }
        for (const stage of stagesFor(mutant.site, this.specs)) {
            const { outcome, failed } = await workplace.test(stage, timeLimitMs);
            if (outcome !== 'passed') return record('killed', failed ?? 'time limit');
        }
        return record('survived', null);
    }

    private async compileMutant({ site, start, end, replacement }: Mutant): Promise<Bindings> {
        const source = this.sources.get(site.file)!;
        const changed = new Map(this.sources).set(site.file, source.slice(0, start) + replacement + source.slice(end));
        return this.compileAll(this.compiler.projectsWith(site.file, this.sources), changed);
    }

    private async compileAll(projects: string[], sources: Sources): Promise<Bindings> {
        const bindings = new Map<string, string>();
        for (const project of projects) {
            for (const [file, text] of await this.compiler.compile(project, sources)) bindings.set(file, text);
        }
        return bindings;
    }
}

function readSpecs(): Map<string, string> {
    const folder = 'tests/contracts';
    const files = readdirSync(path.join(root, folder), { recursive: true, encoding: 'utf8' });
    const specs = files.filter((file) => file.endsWith('.spec.ts')).map((file) => path.posix.join(folder, file));
    return new Map(specs.sort().map((file) => [file, readFileSync(path.join(root, file), 'utf8')]));
}

function digest(texts: ReadonlyMap<string, string>): string {
    const hash = createHash('sha256');
    for (const [file, text] of texts) hash.update(`${file}\n${text}\n`);
    return hash.digest('hex');
}

function say(line: string): void {
    process.stderr.write(`${line}\n`);
}

async function main(): Promise<void> {
    const jobs = Number(options.jobs);
    if (!Number.isInteger(jobs) || jobs < 1) throw new RangeError('--jobs must be a positive whole number');
    const run = new MutationRun();
    await run.run(jobs);
    const { survivors, needless, ...figures } = run.summary();
    for (const id of survivors) say(`survives: ${id}`);
    for (const id of needless) say(`nothing needs the reason any more: ${id}`);
    process.stdout.write(`${JSON.stringify(figures)}\n`);
    process.exitCode = figures.ok ? 0 : 1;
}

void main();
