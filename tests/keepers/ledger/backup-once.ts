/** Child of backup-file.spec.ts: backs a ledger up and says what became of it. */
import { writeSync } from 'node:fs';
import { LedgerError, openDispatchLedger } from '../../../keepers/ledger';

async function main(): Promise<void> {
    const [file, backup] = process.argv.slice(2) as [string, string];
    const ledger = await openDispatchLedger({ file });
    const told = await ledger.upkeep.backup(backup, 5).then(
        () => 'done',
        (error: unknown) => (error instanceof LedgerError ? error.code : String(error)),
    );
    writeSync(1, `${told}\n`);
    await ledger.close();
}

void main();
