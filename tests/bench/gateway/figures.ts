import { median } from './quantile';
import { type Round, round } from './round';

type Field = { [K in keyof Round]-?: Round[K] extends number ? K : never }[keyof Round];

/** Medians over the rounds, and the comparisons that are held to a limit. */
export class Figures {
    constructor(private readonly rounds: readonly Round[]) {}

    median(scenario: string, subject: string, field: Field): number {
        const found = this.rounds.filter((one) => one.scenario === scenario && one.subject === subject);
        return round(median(found.map((one) => one[field])));
    }

    /** Of each round by itself, since what else the machine does changes from round to round; then the median. */
    private compared(scenario: string, subjects: [string, string], compare: (one: Round, other: Round) => number) {
        const of = (subject: string) =>
            this.rounds.filter((one) => one.scenario === scenario && one.subject === subject);
        const [ones, others] = [of(subjects[0]), of(subjects[1])];
        return round(median(ones.slice(0, others.length).map((one, index) => compare(one, others[index]!))));
    }

    cpuRatio(scenario: string, subject: string, against = 'proxy'): number {
        return this.compared(
            scenario,
            [subject, against],
            (one, proxy) => one.cpuMicrosPerChunk / proxy.cpuMicrosPerChunk,
        );
    }

    addedFirstMs(scenario: string, [subject, against]: [string, string], field: 'firstMsP50' | 'firstMsP99'): number {
        return this.compared(scenario, [subject, against], (one, other) => one[field] - other[field]);
    }

    headline() {
        const [steady, many] = ['64x50', '400x20'];
        return {
            cpuPerChunkVsUndici: this.cpuRatio(steady, 'dispatcher'),
            cpuPerChunkVsUndiciAt400: this.cpuRatio(many, 'dispatcher'),
            ttftAddedMsP50: this.addedFirstMs(steady, ['dispatcher', 'proxy'], 'firstMsP50'),
            ttftAddedMsP99: this.addedFirstMs(steady, ['dispatcher', 'proxy'], 'firstMsP99'),
            chunksPerSecondVsLlms: this.compared(
                many,
                ['dispatcher', 'llms'],
                (one, llms) => one.chunksPerCpuSecond / llms.chunksPerCpuSecond,
            ),
            interTokenAddedMsP99: this.compared(
                steady,
                ['endToEnd', 'proxy'],
                (one, proxy) => one.gapMsP99 - proxy.gapMsP99,
            ),
            endToEndCpuVsUndici: this.cpuRatio(steady, 'endToEnd'),
            endToEndCpuVsUndiciAt400: this.cpuRatio(many, 'endToEnd'),
            // Null where they were not measured: --full, or --only proxyTls,dispatcherTls.
            tlsCpuPerChunkVsUndici: this.cpuRatio(steady, 'dispatcherTls', 'proxyTls'),
            tlsTtftAddedMsP50: this.addedFirstMs(steady, ['dispatcherTls', 'proxyTls'], 'firstMsP50'),
            endToEndTtftAddedMsP50: this.addedFirstMs(steady, ['endToEnd', 'proxy'], 'firstMsP50'),
        };
    }

    table(scenarios: readonly string[], subjects: readonly string[]) {
        const fields: Field[] = [
            'requestsPerSecond',
            'cpuMicrosPerChunk',
            'chunksPerCpuSecond',
            'rssMiB',
            'firstMsP50',
            'firstMsP99',
            'gapMsP50',
            'gapMsP99',
        ];
        return scenarios.flatMap((scenario) =>
            subjects.map((subject) => ({
                scenario,
                subject,
                ...Object.fromEntries(fields.map((field) => [field, this.median(scenario, subject, field)])),
            })),
        );
    }
}
