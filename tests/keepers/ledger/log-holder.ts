/** Child of node-log-lock.spec.ts: logs one receipt, says so, and holds the log until it is killed. */
import { writeSync } from 'node:fs';
import { NodeLog } from '../../../keepers/ledger';
import { logEntry } from './ledger-records';

async function main(): Promise<void> {
    const log = await NodeLog.open(process.argv[2]!);
    await log.append(logEntry({ sequence: 1, cost: 5n, cumulative: 5n, capCumulative: 100n }));
    writeSync(1, 'logged\n');
    setInterval(() => log, 60_000);
}

void main();
