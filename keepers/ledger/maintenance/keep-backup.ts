import { rmSync } from 'node:fs';
import { rename } from 'node:fs/promises';
import path from 'node:path';
import { LedgerError } from '../errors';
import { syncFolder } from '../sync-folder';
import { type BackupSummary, checkBackup } from './backup';
import { backupFailed } from './backup-file';

/**
 * Has a backup written beside the file and read back. Only then it takes the place of the one before, which may be the last
 * that can be restored.
 * @throws LedgerError `backup_failed`
 */
export async function keepBackup(
    file: string,
    write: (partial: string) => Promise<BackupSummary>,
): Promise<BackupSummary> {
    const partial = `${file}.partial`;
    try {
        const written = await write(partial);
        const found = await checkBackup(partial);
        if (found.sha256 !== written.sha256) throw new Error('what is in the file is not what was written');
        await rename(partial, file);
        await syncFolder(path.dirname(file));
        return { ...written, file };
    } catch (error) {
        rmSync(partial, { force: true });
        throw failed(file, error);
    }
}

/** What the ledger itself says stays as it is. */
function failed(file: string, error: unknown): LedgerError {
    return error instanceof LedgerError && error.code !== 'backup_invalid' ? error : backupFailed(file, error);
}
