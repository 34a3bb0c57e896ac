/**
 * `npm run bench -- capacity [--json] [--nodes N] [--escrows N] [--admissions N]`: what a gateway and a dispatcher take at
 * size: picking among 10 000 nodes; a dispatcher with 10 000 connected nodes and 100 000 escrows that starts and admits
 * requests. Progress goes to standard error.
 */
import { readOptions } from '../options';
import { measureDispatcher } from './measure-dispatcher';
import { measurePick } from './measure-pick';
import { admissionCount, escrowCount, nodeCount, type Size } from './size';
import { missedTargets } from './targets';

const options = readOptions({
    name: 'capacity',
    about: 'What a gateway and a dispatcher take with 10 000 nodes and 100 000 escrows.',
    options: {
        json: { type: 'boolean', default: false },
        nodes: { type: 'string', default: String(nodeCount) },
        escrows: { type: 'string', default: String(escrowCount) },
        admissions: { type: 'string', default: String(admissionCount) },
    },
    says: {
        json: 'one line of JSON on standard output',
        nodes: 'nodes that are connected',
        escrows: 'escrows in the ledger',
        admissions: 'requests that are admitted, at most one for each escrow',
    },
});

const startedMs = performance.now();

function progress(line: string): void {
    const seconds = ((performance.now() - startedMs) / 1_000).toFixed(1);
    process.stderr.write(`${seconds.padStart(6)} s  ${line}\n`);
}

function sizeAsked(): Size {
    const size = {
        nodes: Number(options.nodes),
        escrows: Number(options.escrows),
        admissions: Number(options.admissions),
    };
    const isWrong = Object.values(size).some((value) => !Number.isSafeInteger(value) || value < 1);
    if (isWrong || size.admissions > size.escrows)
        throw new Error('sizes are whole numbers, admissions at most escrows');
    return size;
}

async function main(): Promise<void> {
    const size = sizeAsked();
    progress(`picking among ${nodeCount} nodes`);
    const measured = { ...(await measurePick()), ...(await measureDispatcher(size, progress)) };
    const tookSeconds = Math.round((performance.now() - startedMs) / 1_000);
    const figures = { ...measured, missed: missedTargets(measured), tookSeconds };
    if (options.json) return void process.stdout.write(`${JSON.stringify(figures)}\n`);
    for (const [name, value] of Object.entries(figures)) process.stdout.write(`${name.padEnd(28)} ${String(value)}\n`);
}

main().catch((error: unknown) => {
    process.stderr.write(
        `the bench failed: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`,
    );
    process.exit(1);
});
