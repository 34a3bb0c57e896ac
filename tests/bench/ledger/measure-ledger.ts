import { type DispatchLedger, type DispatchLedgerOptions, openDispatchLedger } from '../../../keepers/ledger';
import { Lane, type RequestIds } from './lane';

export interface LedgerFigures {
    /** Durable charges, median of the rounds. */
    chargesPerSecond: number;
    /** From the beginning of a transaction until it is durable. */
    commitP50Ms: number;
    commitP99Ms: number;
    /** From the call until the caller is told that its step is durable: waiting for the transaction included. */
    stepP50Ms: number;
    stepP99Ms: number;
    operationsPerCommit: number;
    /** The same path with a transaction for each step. */
    singleChargesPerSecond: number;
    /** Median of the rounds' ratios. */
    groupVsSingle: number;
    /** CPU of this process for a charge. */
    cpuMicrosPerCharge: number;
}

export interface MeasureOptions {
    seconds: number;
    rounds: number;
    lanes: number;
    ids: RequestIds;
    /** Where a new ledger goes. */
    place: () => Promise<DispatchLedgerOptions>;
    progress: (line: string) => void;
}

interface Round {
    charges: number;
    seconds: number;
    cpuMicros: number;
    commitMs: number[];
    stepMs: number[];
    operations: number;
}

const warmUpSeconds = 1;

/** Grouped and single rounds take turns, so that a disturbance meets both. */
export async function measureLedger(options: MeasureOptions): Promise<LedgerFigures> {
    const grouped = await Bench.open(options, {});
    const single = await Bench.open(options, { maxBatch: 1 });
    const rounds: { grouped: Round; single: Round }[] = [];
    try {
        await grouped.run(warmUpSeconds);
        for (let i = 0; i < options.rounds; i++) {
            const round = {
                grouped: await grouped.run(options.seconds),
                single: await single.run(options.seconds / 2),
            };
            rounds.push(round);
            options.progress(`round ${i + 1}: ${rate(round.grouped)} charges/s, ${rate(round.single)} one by one`);
        }
    } finally {
        await Promise.all([grouped.close(), single.close()]);
    }
    return figuresOf(rounds);
}

class Bench {
    private commits: { tookMs: number; operations: number }[] = [];
    private stepMs: number[] = [];

    private constructor(
        private readonly ledger: DispatchLedger,
        private readonly lanes: Lane[],
    ) {}

    static async open({ place, lanes, ids }: MeasureOptions, settings: { maxBatch?: number }): Promise<Bench> {
        const commits: Bench['commits'] = [];
        const onCommit = (tookMs: number, operations: number) => void commits.push({ tookMs, operations });
        const ledger = await openDispatchLedger({ ...(await place()), ...settings, onCommit });
        const bench = new Bench(
            ledger,
            Array.from({ length: lanes }, (_, i) => new Lane(i, ids)),
        );
        bench.commits = commits;
        return bench;
    }

    async run(seconds: number): Promise<Round> {
        this.commits.length = 0;
        this.stepMs = [];
        const [cpu, startedMs] = [process.cpuUsage(), performance.now()];
        const untilMs = startedMs + seconds * 1_000;
        const note = (tookMs: number) => void this.stepMs.push(tookMs);
        const charges = await Promise.all(this.lanes.map((lane) => lane.run(this.ledger, { untilMs, note })));
        const { user, system } = process.cpuUsage(cpu);
        return {
            charges: charges.reduce((sum, count) => sum + count, 0),
            seconds: (performance.now() - startedMs) / 1_000,
            cpuMicros: user + system,
            commitMs: this.commits.map(({ tookMs }) => tookMs),
            stepMs: this.stepMs,
            operations: this.commits.reduce((sum, { operations }) => sum + operations, 0),
        };
    }

    close(): Promise<void> {
        return this.ledger.close();
    }
}

function figuresOf(rounds: { grouped: Round; single: Round }[]): LedgerFigures {
    const grouped = rounds.map((round) => round.grouped);
    const inGroups = (of: (round: Round) => number) => median(grouped.map(of));
    return {
        chargesPerSecond: Math.round(inGroups(rate)),
        commitP50Ms: hundredths(inGroups(({ commitMs }) => quantile(commitMs, 0.5))),
        commitP99Ms: hundredths(inGroups(({ commitMs }) => quantile(commitMs, 0.99))),
        stepP50Ms: hundredths(inGroups(({ stepMs }) => quantile(stepMs, 0.5))),
        stepP99Ms: hundredths(inGroups(({ stepMs }) => quantile(stepMs, 0.99))),
        operationsPerCommit: Math.round(inGroups(({ operations, commitMs }) => operations / commitMs.length)),
        singleChargesPerSecond: Math.round(median(rounds.map(({ single }) => rate(single)))),
        groupVsSingle: hundredths(median(rounds.map((round) => rate(round.grouped) / rate(round.single)))),
        cpuMicrosPerCharge: Math.round(inGroups(({ cpuMicros, charges }) => cpuMicros / charges)),
    };
}

function rate({ charges, seconds }: Round): number {
    return Math.round(charges / seconds);
}

function median(values: number[]): number {
    return quantile(values, 0.5);
}

function quantile(values: number[], share: number): number {
    const sorted = [...values].sort((a, b) => a - b);
    return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]!;
}

function hundredths(value: number): number {
    return Math.round(value * 100) / 100;
}
