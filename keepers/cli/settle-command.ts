import { createLogger, formatTon } from '../base';
import { loadConfig } from '../config';
import type { SettlementSummary } from '../settlement';
import type { RoleOptions } from './roles';
import { openSettler } from './settler';

export interface SettleOptions extends RoleOptions {
    force?: boolean;
    json?: boolean;
}

/** One round of settling, with the settler's own configuration. Exit code 1 when the chain did not take a batch. */
export async function runSettleCommand(options: SettleOptions): Promise<void> {
    const config = loadConfig('settler', { file: options.config });
    const logger = createLogger({ name: 'settle', level: config.logLevel });
    const { service, keeper } = await openSettler(config, logger);
    try {
        const summary = await service.settleOnce({ force: options.force ?? false });
        console.log(options.json ? JSON.stringify(summary, bigintsAsText) : describe(summary, options.force ?? false));
        if (summary.failures.length > 0) process.exitCode = 1;
    } finally {
        await keeper.close();
    }
}

function describe(summary: SettlementSummary, force: boolean): string {
    const { lines, batches, settledNano, costNano, outstandingNano, failures } = summary;
    const left =
        outstandingNano > 0n && !force ? ' (too little to pay for its gas; --force settles it all the same)' : '';
    return [
        `settled ${lines} receipt(s) in ${batches} message(s): ${formatTon(settledNano)} TON, for ${formatTon(costNano)} TON of gas`,
        `outstanding: ${formatTon(outstandingNano)} TON${left}`,
        ...failures.map((code) => `not taken by the chain: ${code}; it is tried again by the next round`),
    ].join('\n');
}

function bigintsAsText(_key: string, value: unknown): unknown {
    return typeof value === 'bigint' ? value.toString() : value;
}
