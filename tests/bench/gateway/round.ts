import type { Child, Usage } from './child';
import { quantile } from './quantile';
import type { LoadResult } from './roles/load';
import type { Scenario } from './scenario';
import type { Subject } from './subjects';

/** What one subject did in one round of one scenario. */
export interface Round {
    scenario: string;
    subject: string;
    requests: number;
    failures: number;
    failure?: string;
    /** Engine events delivered in whole answers, however many frames or pieces they came in. */
    chunks: number;
    wallMs: number;
    requestsPerSecond: number;
    cpuMs: number;
    /** By process, of the subjects that have several. */
    cpuMsOf: Record<string, number>;
    /** Without streaming an answer is one chunk. */
    cpuMicrosPerChunk: number;
    chunksPerCpuSecond: number;
    rssMiB: number;
    firstMsP50: number;
    firstMsP99: number;
    gapMsP50: number;
    gapMsP99: number;
}

/** One round: the load's own work is done before the clock and the counters start. */
export async function runRound(load: Child, subject: Subject, scenario: Scenario): Promise<Round> {
    await subject.prepare?.(scenario.shape);
    const { target } = subject;
    const { shape, streams, rampMs, durationMs } = scenario;
    await load.ask('prepare', { target, shape, streams, rampMs, durationMs });
    const before = await usageOf(subject);
    const result = await load.ask<LoadResult>('run');
    const after = await usageOf(subject);
    const spent = after.map(({ name, usage }, index) => ({
        name,
        cpuMs: (usage.cpuMicros - before[index]!.usage.cpuMicros) / 1000,
        rssBytes: usage.rssBytes,
    }));
    return roundOf({ subject, scenario, result, spent });
}

interface Spent {
    name: string;
    cpuMs: number;
    rssBytes: number;
}

function usageOf({ measured }: Subject): Promise<{ name: string; usage: Usage }[]> {
    return Promise.all(measured.map(async (child) => ({ name: child.name, usage: await child.usage() })));
}

function roundOf(measured: { subject: Subject; scenario: Scenario; result: LoadResult; spent: Spent[] }): Round {
    const { subject, scenario, result, spent } = measured;
    const cpuMs = spent.reduce((sum, one) => sum + one.cpuMs, 0);
    const rssBytes = spent.reduce((sum, one) => sum + one.rssBytes, 0);
    const chunks = result.requests * Math.max(scenario.shape.events, 1);
    return {
        scenario: scenario.name,
        subject: subject.name,
        requests: result.requests,
        failures: result.failures.length,
        ...(result.failures[0] !== undefined && { failure: result.failures[0] }),
        chunks,
        wallMs: round(result.wallMs),
        requestsPerSecond: round((result.requests * 1000) / result.wallMs),
        cpuMs: round(cpuMs),
        cpuMsOf: Object.fromEntries(spent.map((one) => [one.name, round(one.cpuMs)])),
        cpuMicrosPerChunk: round((cpuMs * 1000) / chunks),
        chunksPerCpuSecond: round((chunks * 1000) / cpuMs),
        rssMiB: round(rssBytes / 2 ** 20),
        firstMsP50: round(quantile(result.firstMs, 0.5)),
        firstMsP99: round(quantile(result.firstMs, 0.99)),
        gapMsP50: round(result.gapMsP50),
        gapMsP99: round(result.gapMsP99),
    };
}

export const round = (value: number) => Math.round(value * 100) / 100;
