import { access, constants } from 'node:fs/promises';
import { errorMessage } from '../../base';
import { LedgerError } from '../errors';

/** Before the ledger is touched, whose failures are others. @throws LedgerError `backup_invalid` */
export async function requireReadable(file: string): Promise<void> {
    try {
        await access(file, constants.R_OK);
    } catch (error) {
        throw new LedgerError('backup_invalid', `The backup cannot be read: ${errorMessage(error)}`, { cause: error });
    }
}

/** Of the file system alone: a database that can't be reached has other codes, and is no matter of the file. */
const fileCodes = new Set(
    'EACCES EDQUOT EFBIG EIO EISDIR ELOOP EMFILE ENAMETOOLONG ENOENT ENOSPC ENOTDIR EPERM EROFS'.split(' '),
);

/** What fails within is the ledger's, but for the file. @throws LedgerError `backup_failed` */
export async function writingTo<T>(file: string, act: () => Promise<T>): Promise<T> {
    try {
        return await act();
    } catch (error) {
        throw fileCodes.has((error as { code?: string }).code ?? '') ? backupFailed(file, error) : error;
    }
}

export function backupFailed(file: string, error: unknown): LedgerError {
    return new LedgerError('backup_failed', `The backup could not be written to ${file}: ${errorMessage(error)}`, {
        cause: error,
    });
}
