import type { Command } from 'commander';
import { InvalidArgumentError } from 'commander';
import type { DispatcherConfig } from '../config';
import type { DispatchLedger } from '../ledger';

interface LedgerOptions {
    config?: string;
    json?: boolean;
}

const dayMs = 86_400_000;

/** `cocoon ledger …`: what an operator does with a dispatcher's ledger, wherever it is. */
export function addLedgerCommands(program: Command): void {
    const ledger = program.command('ledger').description("look after a dispatcher's ledger, in SQLite or PostgreSQL");
    const act = (name: string, description: string) =>
        ledger
            .command(name)
            .description(description)
            .option('--config <file>', "the dispatcher's settings; else all from the environment")
            .option('--json', 'print one JSON object');
    act('info', 'schema version and how many rows each table has').action((options: LedgerOptions) =>
        run(options, (open) => open.upkeep.info()),
    );
    act('migrate', 'bring the schema to the version of this program, as a start of the dispatcher does').action(
        (options: LedgerOptions) => runOrMake(options, (open) => open.upkeep.info()),
    );
    act('backup <file>', 'write one moment of the ledger to a file, while dispatchers work').action(
        (file: string, options: LedgerOptions) => run(options, (open) => open.upkeep.backup(file, Date.now())),
    );
    act('restore <file>', 'put a backup, of either database, into this ledger; stop its dispatchers first')
        .option('--force', 'replace what the ledger holds')
        .action((file: string, options: LedgerOptions & { force?: boolean }) =>
            runOrMake(options, (open) => open.upkeep.restore(file, { replace: options.force ?? false })),
        );
    act('audit', 'verify every signature and sum; exit code 1 when something is wrong').action(
        (options: LedgerOptions) => run(options, audit),
    );
    act('compact', 'delete what is paid and old; totals and what settles stay')
        .option('--older-than-days <n>', 'keep what is younger', days, 30)
        .action((options: LedgerOptions & { olderThanDays: number }) =>
            run(options, (open) => open.upkeep.compact(Date.now() - options.olderThanDays * dayMs)),
        );
}

type Act = (ledger: DispatchLedger, config: DispatcherConfig) => Promise<object>;

/** On the ledger that is there, as it is. */
async function run(options: LedgerOptions, act: Act): Promise<void> {
    const { requireLedger } = require('../ledger') as typeof import('../ledger');
    const { config, place } = configured(options);
    await requireLedger(place);
    await perform({ config, place, options }, act);
}

/** Makes the ledger, or brings it to this program's version. */
async function runOrMake(options: LedgerOptions, act: Act): Promise<void> {
    await perform({ ...configured(options), options }, act);
}

function configured(options: LedgerOptions) {
    const { ledgerPlaceOf, loadConfig } = require('../config') as typeof import('../config');
    const config = loadConfig('dispatcher', { file: options.config });
    return { config, place: ledgerPlaceOf(config)! };
}

async function perform(
    { config, place, options }: ReturnType<typeof configured> & { options: LedgerOptions },
    act: Act,
): Promise<void> {
    const { openDispatchLedger } = require('../ledger') as typeof import('../ledger');
    const ledger = await openDispatchLedger(place);
    try {
        const result = await act(ledger, config);
        console.log(options.json ? JSON.stringify(result) : lines(result).join('\n'));
    } finally {
        await ledger.close();
    }
}

async function audit(ledger: DispatchLedger, config: DispatcherConfig): Promise<object> {
    const { readPinnedDeployment } = require('../chain') as typeof import('../chain');
    const { registry } = await readPinnedDeployment(config.deploymentFile);
    const report = await ledger.upkeep.audit(registry.hash);
    if (!report.ok) process.exitCode = 1;
    return report;
}

function lines(value: object, indent = ''): string[] {
    return Object.entries(value).flatMap(([name, of]: [string, unknown]) =>
        typeof of === 'object' && of !== null
            ? [`${indent}${name}:`, ...lines(of, `${indent}  `)]
            : [`${indent}${name}: ${String(of)}`],
    );
}

function days(text: string): number {
    const value = Number(text);
    if (!Number.isInteger(value) || value < 1)
        throw new InvalidArgumentError('must be a whole number of days, 1 or more');
    return value;
}
