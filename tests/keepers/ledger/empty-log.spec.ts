import { statSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { openDispatchLedger } from '../../../keepers/ledger';
import { cap, receipt, requestId } from './ledger-records';
import { temporaryFolder } from './temporary-folder';

const folder = temporaryFolder();

it('empties the log of writes after old rows were deleted, and goes on writing', async () => {
    const file = path.join(folder, 'ledger.sqlite');
    const ledger = await openDispatchLedger({ file });
    await ledger.recordCap(cap('1', 10n));
    await ledger.recordReceipt(receipt('1', { sequence: 1, cost: 10n, cumulative: 10n }));
    const logBytes = () => statSync(`${file}-wal`).size;
    expect(logBytes()).toBeGreaterThan(0);
    await ledger.upkeep.compact(Date.now() - 3 * 3_600_000);
    while (logBytes() > 0) await sleep(10);
    await ledger.recordCap(cap('2', 20n));
    expect(await ledger.hasRequest(requestId('2'))).toBe(true);
    await ledger.close();
});
