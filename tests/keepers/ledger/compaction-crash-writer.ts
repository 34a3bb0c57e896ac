/** Child of compaction-crash.spec.ts: logs receipts and compacts all the time until it is killed; tells what was acknowledged. */
import { writeSync } from 'node:fs';
import { NodeLog } from '../../../keepers/ledger';
import { bytes } from './record-bytes';
import { logEntry } from './ledger-records';

const [file, round] = process.argv.slice(2) as [string, string];
const acknowledge = (line: string) => writeSync(1, `${line}\n`);

async function lane(log: NodeLog, name: string): Promise<void> {
    for (let i = 1; ; i++) {
        const fields = { sequence: i, cost: 5n, cumulative: BigInt(i) * 5n, capCumulative: 1n << 40n };
        await log.append(logEntry({ ...fields, nodeKey: bytes(name) }));
        acknowledge(`logged ${name} ${i}`);
    }
}

/** Everything is old but what each stream needs. */
async function compactAgainAndAgain(log: NodeLog): Promise<void> {
    for (;;) {
        const { receipts } = await log.compact(Date.now() - 3_600_000, async () => undefined);
        if (receipts > 0) acknowledge(`compacted ${receipts}`);
        await new Promise((resolve) => setTimeout(resolve, 1));
    }
}

async function main(): Promise<void> {
    const log = await NodeLog.open(file);
    await Promise.all([compactAgainAndAgain(log), ...[0, 1, 2].map((n) => lane(log, `r${round}l${n}`))]);
}

void main();
