import { fork } from 'node:child_process';
import path from 'node:path';
import { Tally } from './world';

export const worldLength = 800;

export interface WorldJob {
    seed: number;
    length: number;
}

/** What a worker says of a world. */
export interface WorldReport {
    seed: number;
    tally: Tally;
    failure: { rule: string; detail: string; operations: number; runs: number; file: string } | null;
}

/** Independent worlds of bounded length, so that a failure is found again quickly: seeds count up from S times a thousand. */
export function jobsOf(steps: number, seed: number): WorldJob[] {
    const worlds = Math.ceil(steps / worldLength);
    return Array.from({ length: worlds }, (_, i) => ({
        seed: seed * 1000 + i,
        length: Math.min(worldLength, steps - i * worldLength),
    }));
}

/** Shares the worlds among processes; each takes the next when it is done. Stops giving out worlds after the first failure. */
export async function soak(
    jobs: readonly WorldJob[],
    workers: number,
    onReport: (report: WorldReport) => void,
): Promise<void> {
    const waiting = [...jobs];
    let isFailed = false;
    const work = async (): Promise<void> => {
        const child = fork(path.join(__dirname, 'worker.ts'), [], { execArgv: process.execArgv });
        try {
            for (let job = waiting.shift(); job && !isFailed; job = waiting.shift()) {
                const report = await ask(child, job);
                isFailed ||= report.failure !== null;
                onReport(report);
            }
        } finally {
            child.disconnect();
        }
    };
    await Promise.all(Array.from({ length: Math.min(workers, jobs.length) }, work));
}

function ask(child: ReturnType<typeof fork>, job: WorldJob): Promise<WorldReport> {
    return new Promise((resolve, reject) => {
        const onExit = (code: number | null) => reject(new Error(`a worker ended with ${code} in world ${job.seed}`));
        child.once('exit', onExit);
        child.once('message', (report) => {
            child.off('exit', onExit);
            resolve(report as WorldReport);
        });
        child.send(job);
    });
}
