/**
 * Changes every single byte of every piece of evidence and collateral, one at a time, and lists what is still accepted.
 * `npm run mutate -- [--json]`; exit code 1 if anything but padding can be changed.
 */
import { judgeSubject, mintedSubjects, mutate, realSubjects } from './mutation';

function main(): void {
    const started = performance.now();
    const results = [...mintedSubjects(), ...realSubjects()].map((subject) => {
        const accepted = judgeSubject(subject).verdict === 'accepted';
        const result = mutate(subject, 1);
        process.stderr.write(`${subject.name}: ${result.tried} changes, ${result.survivors.length} unexplained\n`);
        return { name: subject.name, baselineAccepted: accepted, ...result };
    });
    const failed = results.some(
        (result) => !result.baselineAccepted || result.survivors.length + result.internalErrors > 0,
    );
    const summary = {
        subjects: results.length,
        tried: results.reduce((sum, { tried }) => sum + tried, 0),
        harmless: results.reduce((sum, { padding }) => sum + padding, 0),
        harmlessWhy: 'bytes behind the end of the quote, which nothing signs and nothing reads',
        survivors: results.flatMap(({ survivors }) => survivors),
        slowestMs: Math.round(Math.max(...results.map(({ slowestMs }) => slowestMs)) * 10) / 10,
        seconds: Math.round((performance.now() - started) / 1000),
    };
    process.stdout.write(`${JSON.stringify(summary, null, process.argv.includes('--json') ? 0 : 2)}\n`);
    process.exitCode = failed ? 1 : 0;
}

main();
