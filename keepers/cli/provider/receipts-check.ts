import { existsSync } from 'node:fs';
import { formatTon } from '../../base';
import { type Check, ok, warn } from './check';
import { readIncome } from './income';
import { isoTime } from './iso-time';

const urgentSec = 86_400;

/** Signed but not settled: money that the chain does not know of yet. */
export const checkReceipts: Check = async (context) => {
    const { config, client } = context;
    if (!existsSync(config.receiptLogFile)) return [ok('receipts', 'none were signed yet')];
    const { outstandingNano, earliestDeadlineSec, lostNano } = await readIncome(context);
    const nowSec = await client.getChainTimeSec();
    const lost = lostNano > 0n ? `; ${formatTon(lostNano)} TON can no longer be settled (escrow or key is over)` : '';
    if (outstandingNano === 0n) return [ok('receipts', `all are settled${lost}`)];
    const until =
        earliestDeadlineSec === null ? '' : `, the first of it can be settled until ${isoTime(earliestDeadlineSec)}`;
    const told = `${formatTon(outstandingNano)} TON outstanding${until}${lost}`;
    if (earliestDeadlineSec === null || earliestDeadlineSec - nowSec > urgentSec) return [ok('receipts', told)];
    return [
        warn('receipts', told, 'settle soon: cocoon settle --force with nodeLogFiles in a settler’s configuration'),
    ];
};
