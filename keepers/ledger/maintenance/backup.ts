import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { z } from 'zod';
import type { Sql, SqlValue } from '../dispatch/sql';
import { LedgerError } from '../errors';
import { schemaVersion } from '../migrations';
import { asValue, pagesOf } from './pages';
import { backupTables } from './tables';

export interface BackupSummary {
    file: string;
    /** When it was taken. */
    atMs: number;
    rows: number;
    sha256: string;
}

const format = 'cocoon-ledger-backup/1';
const header = z.strictObject({ format: z.literal(format), schemaVersion: z.int(), atMs: z.int() });
const tableLine = z.strictObject({ table: z.string(), columns: z.array(z.string().regex(/^[a-z_]+$/)) });
const footer = z.strictObject({ rows: z.int(), sha256: z.string() });

/**
 * A text file, the same from either database: a header; for each table its columns, then a row a line (`i` integer, `t`
 * text, `b` bytes in base64, null); a footer with the SHA-256 of all lines before. On disk when it resolves.
 */
export async function writeBackup(sql: Sql, { file, atMs }: { file: string; atMs: number }): Promise<BackupSummary> {
    const handle = await open(file, 'w', 0o600);
    const hash = createHash('sha256');
    let rows = 0;
    const write = async (lines: unknown[]) => {
        const text = lines.map((line) => `${JSON.stringify(line)}\n`).join('');
        hash.update(text);
        // A disk that runs full takes a part, which `write` would not call a failure.
        await handle.appendFile(text);
    };
    try {
        await write([{ format, schemaVersion, atMs }]);
        for (const table of backupTables) {
            let columns: string[] | null = null;
            for await (const page of pagesOf(sql, table)) {
                if (columns === null) await write([{ table: table.name, columns: (columns = Object.keys(page[0]!)) }]);
                const names = columns;
                await write(page.map((row) => names.map((name) => encode(asValue(row[name]!)))));
                rows += page.length;
            }
        }
        const sha256 = hash.copy().digest('hex');
        await write([{ rows, sha256 }]);
        await handle.sync();
        return { file, atMs, rows, sha256 };
    } finally {
        await handle.close();
    }
}

/** Of a file that `checkBackup` found whole: that takes long, and a transaction must not wait for it. */
export async function restoreBackup(sql: Sql, { file, replace }: { file: string; replace: boolean }): Promise<void> {
    await makeRoom(sql, replace);
    let insert = '';
    let n = 0;
    for await (const line of linesOf(file)) {
        n += 1;
        if (n === 1) continue;
        const value: unknown = JSON.parse(line);
        if (Array.isArray(value)) await sql.run(insert, value.map(decode));
        else if (typeof value === 'object' && value !== null && 'table' in value)
            insert = insertInto(tableLine.parse(value));
    }
    if (sql.dialect === 'postgres') await countOn(sql);
}

/** PostgreSQL numbers rows by sequences of their own, which did not see the restored ones. */
async function countOn(sql: Sql): Promise<void> {
    for (const { name } of backupTables.filter(({ numbered }) => numbered))
        await sql.all(
            `SELECT setval(pg_get_serial_sequence('${name}', 'id'), (SELECT coalesce(max(id), 0) + 1 FROM ${name}), false)`,
        );
}

function insertInto({ table, columns }: z.output<typeof tableLine>): string {
    if (!backupTables.some(({ name }) => name === table)) throw invalid(`there is no table ${table}`);
    return `INSERT INTO ${table} (${columns.join(', ')}) VALUES (${columns.map(() => '?').join(', ')})`;
}

async function makeRoom(sql: Sql, replace: boolean): Promise<void> {
    for (const { name } of [...backupTables].reverse()) {
        const found = await sql.all(`SELECT 1 FROM ${name} LIMIT 1`);
        if (found.length === 0) continue;
        if (!replace) throw invalid('the ledger is not empty: restore into a new one, or say that it may be replaced');
        await sql.run(`DELETE FROM ${name}`);
    }
}

/** Reads the whole file. @throws LedgerError `backup_invalid` */
export async function checkBackup(file: string): Promise<BackupSummary> {
    const hash = createHash('sha256');
    let [rows, last, first] = [0, '', ''];
    for await (const line of linesOf(file)) {
        if (first === '') first = line;
        else {
            hash.update(`${last}\n`);
            if (last.startsWith('[')) rows += 1;
        }
        last = line;
    }
    const head = parse(header, first, 'it is no backup of a ledger');
    const end = parse(footer, last, 'its end is missing');
    if (end.rows !== rows || end.sha256 !== hash.digest('hex')) throw invalid('it was changed since it was written');
    if (head.schemaVersion !== schemaVersion)
        throw invalid(
            `it has schema version ${head.schemaVersion}, this program ${schemaVersion}: use the version that wrote it`,
        );
    return { file, atMs: head.atMs, ...end };
}

function parse<T>(schema: z.ZodType<T>, line: string, problem: string): T {
    try {
        return schema.parse(JSON.parse(line));
    } catch (error) {
        throw invalid(problem, error);
    }
}

function linesOf(file: string): AsyncIterable<string> {
    return createInterface({ input: createReadStream(file, 'utf8'), crlfDelay: Infinity });
}

function encode(value: SqlValue): string | null {
    if (value === null) return null;
    if (Buffer.isBuffer(value)) return `b${value.toString('base64')}`;
    return typeof value === 'string' ? `t${value}` : `i${value}`;
}

function decode(text: string | null): SqlValue {
    if (text === null) return null;
    const rest = text.slice(1);
    if (text.startsWith('b')) return Buffer.from(rest, 'base64');
    return text.startsWith('t') ? rest : BigInt(rest);
}

function invalid(problem: string, cause?: unknown): LedgerError {
    return new LedgerError('backup_invalid', `The backup can't be restored: ${problem}`, { cause });
}
