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
