/**
 * A charge is one request as the dispatcher writes it down: its cap (`recordCap`, as Admission does) and, once that is
 * durable, its final receipt (`recordReceipt`, as RequestRelay does), which must be durable too. Lanes do that side by
 * side, each request after the other, over many escrows and nodes. Beside it the same with a transaction for each step.
 */
import { mkdtempSync, rmSync, statfsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { DispatchLedgerOptions } from '../../../keepers/ledger';
import { PostgresServer } from '../../support/postgres/postgres-server';
import { readOptions } from '../options';
import type { RequestIds } from './lane';
import { type LedgerFigures, measureLedger } from './measure-ledger';

const targets = { chargesPerSecond: 20_000, commitP99Ms: 10, groupVsSingle: 5 };
/** Of Linux: a folder in memory makes nothing durable. */
const tmpfsMagic = 0x01021994;

const values = readOptions({
    name: 'ledger',
    about: "Charges a second that a dispatcher's ledger makes durable, on SQLite and on a PostgreSQL started for it.",
    options: {
        json: { type: 'boolean', default: false },
        seconds: { type: 'string', default: '4' },
        rounds: { type: 'string', default: '5' },
        lanes: { type: 'string', default: '256' },
        folder: { type: 'string', default: tmpdir() },
        only: { type: 'string' },
        'random-ids': { type: 'boolean', default: false },
    },
    says: {
        json: 'one line of JSON on standard output',
        seconds: 'length of a round',
        rounds: 'rounds; the figures are their medians',
        lanes: 'clients that each have one charge under way',
        folder: 'where files and database go: a folder on a disk',
        only: 'sqlite or postgres',
        'random-ids': 'request ids of random bytes in place of those that gateways make',
    },
});

const ids: RequestIds = values['random-ids'] ? 'random' : 'by-time';
const sizes = { seconds: Number(values.seconds), rounds: Number(values.rounds), lanes: Number(values.lanes), ids };
const progress = (line: string) => process.stderr.write(`${line}\n`);

async function onSqlite(folder: string): Promise<LedgerFigures> {
    let files = 0;
    const place = async (): Promise<DispatchLedgerOptions> => ({ file: path.join(folder, `${files++}.sqlite`) });
    return measureLedger({ ...sizes, place, progress: (line) => progress(`sqlite: ${line}`) });
}

async function onPostgres(): Promise<LedgerFigures> {
    const settings = { shared_buffers: '256MB', max_wal_size: '4GB' };
    const server = await PostgresServer.start({ parent: values.folder, settings });
    try {
        const place = () => server.database();
        return await measureLedger({ ...sizes, place, progress: (line) => progress(`postgres: ${line}`) });
    } finally {
        await server.stop();
    }
}

async function main(): Promise<void> {
    const folder = mkdtempSync(path.join(values.folder, 'cocoon-ledger-bench-'));
    try {
        if (statfsSync(folder).type === tmpfsMagic)
            throw new Error(`${folder} is in memory: name one on a disk by --folder`);
        const figures: Record<string, LedgerFigures> = {};
        if (values.only !== 'postgres') figures['sqlite'] = await onSqlite(folder);
        if (values.only !== 'sqlite') figures['postgres'] = await onPostgres();
        if (values.json) process.stdout.write(`${JSON.stringify({ ...figures, targets, ...sizes })}\n`);
        else show(figures);
    } finally {
        rmSync(folder, { recursive: true, force: true });
    }
}

function show(figures: Record<string, LedgerFigures>): void {
    for (const [database, of] of Object.entries(figures)) {
        process.stdout.write(`${database}\n`);
        for (const [name, value] of Object.entries(of)) process.stdout.write(`  ${name.padEnd(24)} ${value}\n`);
    }
}

void main().catch((error: unknown) => {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 1;
});
