import type { GroupCommit } from '../dispatch/group-commit';
import type { Sql } from '../dispatch/sql';
import type { DispatchStore } from '../dispatch/store';
import { schemaVersion } from '../migrations';
import { auditLedger, type AuditReport } from './audit';
import { type BackupSummary, checkBackup, restoreBackup, writeBackup } from './backup';
import { requireReadable, writingTo } from './backup-file';
import { compactLedger, type Compaction, type CompactOptions } from './compact';
import { requireUnused } from './in-use';
import { keepBackup } from './keep-backup';
import { backupTables } from './tables';

/** What an operator does with a ledger now and then; all but `restore` may run while dispatchers work. */
export class LedgerUpkeep {
    constructor(
        private readonly store: DispatchStore,
        private readonly writer: GroupCommit,
    ) {}

    /** One moment of the ledger in a file that either database takes back. @throws LedgerError `backup_failed` */
    backup(file: string, atMs: number): Promise<BackupSummary> {
        return keepBackup(file, (partial) =>
            this.store.snapshot((sql) => writingTo(file, () => writeBackup(sql, { file: partial, atMs }))),
        );
    }

    /**
     * In one transaction, into an empty ledger unless `replace`, and while no role uses it.
     * @throws LedgerError `backup_invalid`, `ledger_in_use`
     */
    async restore(file: string, { replace = false }: { replace?: boolean } = {}): Promise<BackupSummary> {
        await requireReadable(file);
        const summary = await checkBackup(file);
        const act = async (sql: Sql) => {
            await requireUnused(sql, await this.store.nowMs());
            await restoreBackup(sql, { file, replace });
        };
        await this.writer.alone(act, { mayTakeLong: true });
        return summary;
    }

    /** Verifies every signature and sum. @param network account id of the registry: what statements are made for */
    audit(network: Buffer): Promise<AuditReport> {
        return this.store.snapshot((sql) => auditLedger(sql, network));
    }

    /** Deletes what is paid and older than `beforeMs`; see `compactLedger`. */
    async compact(beforeMs: number, options: Omit<CompactOptions, 'beforeMs'> = {}): Promise<Compaction> {
        const done = await compactLedger(this.store.reads, this.writer, { beforeMs, ...options });
        this.store.giveBack();
        return done;
    }

    info(): Promise<{ schemaVersion: number; rows: Record<string, number> }> {
        return this.store.snapshot(async (sql) => {
            const rows: Record<string, number> = {};
            for (const { name } of backupTables) {
                const [row] = await sql.all<{ count: bigint }>(`SELECT count(*) AS count FROM ${name}`);
                rows[name] = Number(row!.count);
            }
            return { schemaVersion, rows };
        });
    }
}
