/**
 * `npm run mutate:contracts -- [--resume] [--jobs N] [--only PART]`: breaks one condition of the contracts at a time, in a
 * copy, and looks for a test that fails. The contracts are compiled once, with every mutant in them and none in force. Then every
 * spec runs once, while they say which mutants would have decided otherwise; and a mutant, put in force by its number, meets only
 * the tests that it infects. `--only` takes the mutants whose ids contain PART, for example Payout or contracts/escrow.tact;
 * `--resume` keeps what is known of contracts and specs that are as they were. Exit code 1 when one survives without a reason in
 * justified.json; the last line is one JSON object.
 */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import PQueue from 'p-queue';
import { Bindings, ContractCompiler, readSources, Sources } from './compiler';
import { Infections } from './infections';
import { instrument } from './instrument';
import { errorConstantsOf, findMutants, Mutant } from './mutants';
import { MutantRecord, Records } from './records';
import { Justification, summarize } from './report';
import { type Try, triesOf } from './tries';
import { Workplace } from './workplace';

const root = path.resolve(__dirname, '../..');
const cache = path.join(root, '.cache', 'mutation');
/** For all that one spec is asked at once. */
const timeLimitMs = 1_800_000;
/** Mutants that one run of a spec tries: what is known is kept after each. */
const mutantsAtOnce = 24;

const { values: options } = parseArgs({
    options: {
        resume: { type: 'boolean', default: false },
        jobs: { type: 'string', default: '2' },
        only: { type: 'string', default: '' },
    },
});

/** A mutant on its way: what it has still to meet. */
interface Pending {
    mutant: Mutant;
    number: number;
    tries: Try[];
}

class MutationRun {
    private readonly compiler = new ContractCompiler(root);
    private readonly sources: Sources = readSources(root);
    private readonly specs = readSpecs();
    private readonly records = Records.open(path.join(cache, 'records.json'), options.resume);
    private readonly infections = Infections.open(path.join(cache, 'infections.json'), options.resume);
    private readonly constants = errorConstantsOf(this.sources);
    private readonly closures = new Map<string, string>();
    private readonly all = [...this.sources].flatMap(([file, source]) => findMutants(file, source, this.constants));
    readonly mutants = this.all.filter(({ id }) => id.includes(options.only));

    async run(jobs: number): Promise<void> {
        const workplace = Workplace.create(root, await this.compileAll());
        await this.recordInfections(workplace, jobs);
        await this.tryAll(workplace, jobs);
    }

    /** Specs whose tests, and contracts whose conditions, are as they were are not asked again. */
    private async recordInfections(workplace: Workplace, jobs: number): Promise<void> {
        const texts = digest([...this.sources, ...supportTexts()]);
        const asked = [...this.specs].map(([spec, text]) => ({
            spec,
            madeWith: digest([
                [spec, text],
                ['', texts],
            ]),
        }));
        const unknown = asked.filter(({ spec, madeWith }) => !this.infections.isRecorded(spec, madeWith));
        if (unknown.length > 0) say(`asking ${unknown.length} specs which mutants they meet`);
        const ids = this.all.map(({ id }) => id);
        const queue = new PQueue({ concurrency: jobs });
        await queue.addAll(
            unknown.map(({ spec, madeWith }) => async () => {
                this.infections.record(spec, madeWith, await workplace.signalsOf(spec, timeLimitMs), ids);
                say(`asked ${spec}`);
            }),
        );
    }

    /** Round by round: what a spec did not notice goes on to the next that it infects. */
    private async tryAll(workplace: Workplace, jobs: number): Promise<void> {
        this.keepRecords();
        let pending = this.openMutants();
        say(`${this.mutants.length} mutants, ${pending.length} to try`);
        while (pending.length > 0) {
            for (const { mutant } of pending.filter(({ tries }) => tries.length === 0)) this.settle(mutant, null, null);
            pending = pending.filter(({ tries }) => tries.length > 0);
            await this.tryOnce(workplace, pending, jobs);
            pending = pending.filter(({ mutant }) => this.records.get(mutant.id)?.fate !== 'killed');
        }
    }

    private openMutants(): Pending[] {
        const wanted = new Set(this.mutants);
        const numbered = this.all.map((mutant, number) => ({ mutant, number }));
        const open = numbered.filter(
            ({ mutant }) => wanted.has(mutant) && this.records.get(mutant.id)?.fate !== 'killed',
        );
        return open.map(({ mutant, number }) => ({
            mutant,
            number,
            tries: triesOf(this.infections.testsOf(mutant.id)),
        }));
    }

    /** The next try of each, those of one spec together. */
    private async tryOnce(workplace: Workplace, pending: readonly Pending[], jobs: number): Promise<void> {
        const queue = new PQueue({ concurrency: jobs });
        const groups = groupBy(pending, ({ tries }) => tries[0]!.spec);
        // One run of a spec at a time: they share its files.
        await queue.addAll(
            [...groups].map(([spec, group]) => async () => {
                for (let from = 0; from < group.length; from += mutantsAtOnce) {
                    await this.tryGroup(workplace, spec, group.slice(from, from + mutantsAtOnce));
                }
            }),
        );
    }

    private async tryGroup(workplace: Workplace, spec: string, group: readonly Pending[]): Promise<void> {
        const planned = group.map(({ number, tries }) => ({ mutant: number, names: tries[0]!.names }));
        const fates = await workplace.fatesOf(spec, planned, timeLimitMs);
        const killers = new Map(fates.map(({ mutant, killer }) => [mutant, killer]));
        for (const { mutant, number, tries } of group) {
            // One that was not reached is tried again by --resume.
            if (!killers.has(number)) say(`not reached: ${mutant.id}`);
            const killer = killers.get(number) ?? null;
            if (killer !== null) this.settle(mutant, killer, spec);
            tries.shift();
        }
    }

    private settle(mutant: Mutant, by: string | null, spec: string | null): void {
        const fate: MutantRecord['fate'] = by === null ? 'survived' : 'killed';
        this.records.set(mutant.id, { fate, by, spec, madeWith: this.madeWith(mutant.site.file, spec) });
        say(`${fate}: ${mutant.id} (line ${mutant.site.line})`);
    }

    summary() {
        const justifications = JSON.parse(
            readFileSync(path.join(__dirname, 'justified.json'), 'utf8'),
        ) as Justification[];
        return summarize(this.mutants, this.records, justifications, options.only === '');
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

    private async compileAll(): Promise<Bindings> {
        const sources = instrument(this.sources, this.all);
        const bindings = new Map<string, string>();
        for (const project of this.compiler.projects) {
            for (const [file, text] of await this.compiler.compile(project, sources)) bindings.set(file, text);
        }
        return bindings;
    }
}

function groupBy<T>(items: readonly T[], keyOf: (item: T) => string): Map<string, T[]> {
    const groups = new Map<string, T[]>();
    for (const item of items) {
        const group = groups.get(keyOf(item));
        if (group) group.push(item);
        else groups.set(keyOf(item), [item]);
    }
    return groups;
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
