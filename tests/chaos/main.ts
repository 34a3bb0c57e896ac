/**
 * `npm run chaos`: a storm, a campaign of kills or a soak over the whole network, then the audit; see --help and
 * docs/chaos.md.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { z } from 'zod';
import { errorMessage } from '../../keepers/base';
import { type ChaosOptions, help, readOptions } from './options';
import { type Verdict, verdictOfSoak, verdictOfStorm } from './report';
import { soak } from './soak';
import { storm } from './storm';

function say(line: string): void {
    process.stderr.write(`${line}\n`);
}

async function judge(options: ChaosOptions, dir: string): Promise<Verdict> {
    const { seed, soakHours } = options;
    try {
        return soakHours === undefined
            ? verdictOfStorm(seed, await storm({ ...options, dir, say }))
            : verdictOfSoak(seed, await soak({ ...options, hours: soakHours, dir, say }));
    } catch (error) {
        const cause = error instanceof Error && error.cause !== undefined ? `: ${errorMessage(error.cause)}` : '';
        say(error instanceof Error ? (error.stack ?? '') : '');
        return { ok: false, failure: `${errorMessage(error)}${cause}`, seed };
    }
}

async function run(options: ChaosOptions, args: readonly string[]): Promise<boolean> {
    const dir = mkdtempSync(path.join(tmpdir(), 'cocoon-chaos-'));
    const verdict = await judge(options, dir);
    const isLeft = !verdict.ok || options.keep;
    if (!isLeft) rmSync(dir, { recursive: true, force: true });
    if (!verdict.ok) say(`again: npm run chaos -- ${args.join(' ')}`);
    process.stdout.write(`${JSON.stringify({ ...verdict, ...(isLeft && { dir }) })}\n`);
    return verdict.ok;
}

async function main(args: string[]): Promise<void> {
    let options: ChaosOptions;
    try {
        options = readOptions(args);
    } catch (error) {
        say(error instanceof z.ZodError ? z.prettifyError(error) : errorMessage(error));
        say(help);
        process.exitCode = 2;
        return;
    }
    if (options.help) return void process.stdout.write(help);
    process.exitCode = (await run(options, args)) ? 0 : 1;
}

void main(process.argv.slice(2));
