import { openDispatchLedger } from '../../../keepers/ledger';
import { cap } from './ledger-records';

/** Waits for the ledger with nothing else to keep the process, and leaves it open. */
async function main(file: string): Promise<void> {
    const ledger = await openDispatchLedger({ file });
    await ledger.recordCap(cap('1', 5n));
    process.stdout.write('recorded\n');
}

void main(process.argv[2]!);
