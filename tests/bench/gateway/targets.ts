interface Target {
    /** As docs/performance.md calls the figure. */
    figure: string;
    unit: string;
    atMost?: number;
    atLeast?: number;
}

/** What the project promises; a figure that could not be taken is a miss. */
const targets: Record<string, Target> = {
    cpuPerChunkVsUndici: { figure: "dispatcher's CPU a chunk, bare proxy = 1", unit: '', atMost: 1.25 },
    ttftAddedMsP50: { figure: 'added time to first token, dispatcher, p50', unit: ' ms', atMost: 1 },
    chunksPerSecondVsLlms: {
        figure: 'chunks a core and second, `@musistudio/llms` = 1, 400 streams',
        unit: '',
        atLeast: 2,
    },
    coalescingAddedMsP99: { figure: 'gap between tokens, added by coalescing alone, p99', unit: ' ms', atMost: 40 },
    interTokenAddedMsP99: { figure: 'gap between tokens, added by the whole way, p99', unit: ' ms', atMost: 40 },
    endToEndCpuVsUndici: { figure: 'CPU of the whole way, bare proxy = 1', unit: '', atMost: 4 },
    pickP99Micros: { figure: 'pick among 10 000 nodes, p99', unit: ' us', atMost: 20 },
};

type Headline = Readonly<Record<string, number>>;

/** A sentence for each promise that this run does not keep. */
export function missedTargets(headline: Headline): string[] {
    return Object.entries(targets).flatMap(([name, target]) =>
        keeps(headline[name], target) ? [] : [`${name} is ${headline[name] ?? NaN}, must be ${promiseOf(target)}`],
    );
}

/** The table of docs/performance.md. */
export function headlineTable(headline: Headline): string {
    const rows = Object.entries(targets).map(([name, target]) => {
        const value = headline[name] ?? NaN;
        const missed = keeps(value, target) ? '' : ', missed';
        return `| ${target.figure} | ${promiseOf(target)} | ${value}${target.unit}${missed} |`;
    });
    return ['| figure | promise | measured |', '| --- | --- | --- |', ...rows].join('\n');
}

function keeps(value = NaN, { atMost = Infinity, atLeast = -Infinity }: Target): boolean {
    return value <= atMost && value >= atLeast;
}

function promiseOf({ atMost, atLeast, unit }: Target): string {
    return atMost === undefined ? `at least ${atLeast}${unit}` : `at most ${atMost}${unit}`;
}
