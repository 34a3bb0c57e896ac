/**
 * `npm run mutate:contracts -- [--resume] [--jobs N] [--only PART]`: breaks one condition of the contracts at a time, in a
 * copy, and looks for a test that fails. First every spec runs once with contracts that say which mutants would have decided
 * otherwise; then a mutant meets only the tests that it infects. `--only` takes the mutants whose ids contain PART, for example
 * Payout or contracts/escrow.tact; `--resume` keeps what is known of contracts and specs that are as they were.
 * Exit code 1 when one survives without a reason in justified.json; the last line is one JSON object.
 */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import PQueue from 'p-queue';
import { CompileProcess } from './compile-process';
import { Bindings, CompileError, ContractCompiler, readSources, Sources } from './compiler';
import { stagesFor } from './infected-stages';
import { Infections } from './infections';
import { instrument } from './instrument';
import { errorConstantsOf, findMutants, Mutant } from './mutants';
import { MutantRecord, Records } from './records';
import { Justification, summarize } from './report';
import { Workplace } from './workplace';

const root = path.resolve(__dirname, '../..');
const cache = path.join(root, '.cache', 'mutation');
const timeLimitMs = 900_000;
const provingLimitMs = 1_800_000;

const { values: options } = parseArgs({
    options: {
        resume: { type: 'boolean', default: false },
        jobs: { type: 'string', default: '2' },
        only: { type: 'string', default: '' },
    },
});

/** What one mutant at a time is compiled by and tested in. */
interface Bench {
    workplace: Workplace;
    compiler: CompileProcess;
}

class MutationRun {
    private readonly compiler = new ContractCompiler(root);
    private readonly sources: Sources = readSources(root);
    private readonly specs = readSpecs();
    private readonly records = Records.open(path.join(cache, 'records.json'), options.resume);
    private readonly infections = Infections.open(path.join(cache, 'infections.json'), options.resume);
    private readonly constants = errorConstantsOf(this.sources);
    private readonly closures = new Map<string, string>();
    /** of specs, by file, under way or done: the jobs share them */
    private readonly proofs = new Map<string, Promise<void>>();
    private readonly all = [...this.sources].flatMap(([file, source]) => findMutants(file, source, this.constants));
    readonly mutants = this.all.filter(({ id }) => id.includes(options.only));

    async run(jobs: number): Promise<void> {
        await this.recordInfections(jobs);
        const original = await this.compileAll(this.sources);
        const benches = Array.from({ length: jobs }, (_, i) => ({
            workplace: Workplace.create(root, `job-${i + 1}`, original),
            compiler: new CompileProcess(),
        }));
        try {
            await this.tryAll(benches);
        } finally {
            for (const { compiler } of benches) compiler.close();
        }
    }

    /** Specs whose tests, and contracts whose conditions, are as they were are not asked again. */
    private async recordInfections(jobs: number): Promise<void> {
        const texts = digest([...this.sources, ...supportTexts()]);
        const open = [...this.specs].map(([spec, text]) => ({
            spec,
            madeWith: digest([
                [spec, text],
                ['', texts],
            ]),
        }));
        const unknown = open.filter(({ spec, madeWith }) => !this.infections.isRecorded(spec, madeWith));
        if (unknown.length === 0) return;
        say(`asking ${unknown.length} specs which mutants they meet`);
        const instrumented = await this.compileAll(instrument(this.sources, this.all));
        const workplace = Workplace.create(root, 'infections', instrumented);
        const ids = this.all.map(({ id }) => id);
        const queue = new PQueue({ concurrency: jobs });
        await queue.addAll(
            unknown.map(({ spec, madeWith }) => async () => {
                this.infections.record(spec, madeWith, await workplace.signalsOf(spec, provingLimitMs), ids);
                say(`asked ${spec}`);
            }),
        );
    }

    private async tryAll(benches: Bench[]): Promise<void> {
        this.keepRecords();
        const open = this.mutants.filter(({ id }) => this.records.get(id)?.fate !== 'killed');
        say(`${this.mutants.length} mutants, ${open.length} to try`);
        const queue = new PQueue({ concurrency: benches.length });
        await queue.addAll(
            open.map((mutant) => async () => {
                const bench = benches.pop()!;
                const record = await this.try(mutant, bench).finally(() => benches.push(bench));
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

    /** A failure means something only where the unchanged contracts pass: asked of each spec when it first notices one. */
    private prove(spec: string, workplace: Workplace): Promise<void> {
        const texts = digest([...this.sources, [spec, this.specs.get(spec)!]]);
        if (this.records.isProven(spec, texts)) return Promise.resolve();
        let proof = this.proofs.get(spec);
        if (proof === undefined) {
            proof = this.runUnchanged(spec, workplace).then(() => this.records.prove(spec, texts));
            this.proofs.set(spec, proof);
        }
        return proof;
    }

    private async runUnchanged(spec: string, workplace: Workplace): Promise<void> {
        workplace.restore();
        const run = await workplace.test({ files: [spec], names: null }, provingLimitMs);
        if (run.outcome === 'passed') return;
        throw new Error(`${spec} does not pass with the unchanged contracts: ${run.failed ?? run.outcome}`);
    }

    private async try(mutant: Mutant, { workplace, compiler }: Bench): Promise<MutantRecord> {
        const startedAt = performance.now();
        const record = (fate: MutantRecord['fate'], by: string | null, spec: string | null = null): MutantRecord => {
            const seconds = Math.round((performance.now() - startedAt) / 1000);
            return { fate, by, spec, seconds, madeWith: this.madeWith(mutant.site.file, spec) };
        };
        try {
            workplace.put(await compiler.compile({ file: mutant.site.file, text: this.changed(mutant) }));
        } catch (error) {
            if (error instanceof CompileError) return record('does not compile', error.message.slice(0, 300));
            throw error;
        }
        for (const stage of stagesFor(this.infections.testsOf(mutant.id), this.infections.cutShort())) {
            const { outcome, failed, spec } = await workplace.test(stage, timeLimitMs);
            if (outcome === 'passed') continue;
            // A slow machine kills no mutant: tried again by --resume.
            if (outcome === 'timed out') return record('timed out', failed);
            const found = record('killed', failed, spec);
            if (spec !== null) await this.prove(spec, workplace);
            return found;
        }
        return record('survived', null);
    }

    /** What was made with other texts is tried again. */
    private keepRecords(): void {
        const files = new Map(this.all.map(({ id, site }) => [id, site.file]));
        this.records.keep((id, { spec }) => {
            const file = files.get(id);
            return file === undefined ? null : this.madeWith(file, spec);
        });
    }

    /** All sources of the contracts that the file has a part in, and the spec that noticed. */
    private madeWith(file: string, spec: string | null): string {
        let sources = this.closures.get(file);
        if (sources === undefined) {
            sources = digest(this.compiler.closure(file, this.sources).map((name) => [name, this.sources.get(name)!]));
            this.closures.set(file, sources);
        }
        return digest([
            ['sources', sources],
            ['spec', spec === null ? '' : (this.specs.get(spec) ?? '')],
        ]);
    }

    private changed({ site, start, end, replacement }: Mutant): string {
        const source = this.sources.get(site.file)!;
        return source.slice(0, start) + replacement + source.slice(end);
    }

    private async compileAll(sources: Sources): Promise<Bindings> {
        const bindings = new Map<string, string>();
        for (const project of this.compiler.projects) {
            for (const [file, text] of await this.compiler.compile(project, sources)) bindings.set(file, text);
        }
        return bindings;
    }
}

/** They read the documents and the interfaces, not the code, which are not in the copy. */
const withoutChain = ['cases/threat-model.spec.ts', 'cases/case-book.spec.ts'];

function readSpecs(): Map<string, string> {
    const folder = 'tests/contracts';
    const files = readdirSync(path.join(root, folder), { recursive: true, encoding: 'utf8' });
    const running = files.filter((file) => file.endsWith('.spec.ts') && !withoutChain.includes(file));
    const specs = running.map((file) => path.posix.join(folder, file));
    return new Map(specs.sort().map((file) => [file, readFileSync(path.join(root, file), 'utf8')]));
}

/** What specs of contracts share. */
function supportTexts(): [file: string, text: string][] {
    const folder = 'tests/contracts';
    const files = readdirSync(path.join(root, folder), { recursive: true, encoding: 'utf8' });
    const shared = files.filter((file) => file.endsWith('.ts') && !file.endsWith('.spec.ts')).sort();
    const paths = [...shared.map((file) => path.posix.join(folder, file)), 'tests/support/fee-config.ts'];
    return paths.map((file) => [file, readFileSync(path.join(root, file), 'utf8')]);
}

function digest(texts: Iterable<readonly [name: string, text: string]>): string {
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
