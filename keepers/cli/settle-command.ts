import { CocoonError, createLogger, errorMessage, formatTon } from '../base';
import { loadConfig } from '../config';
import type { SettlerReport } from '../settlement';
import type { RoleOptions } from './roles';
import { openSettler } from './settler';

export interface SettleOptions extends RoleOptions {
    force?: boolean;
    json?: boolean;
}

/**
 * One round of settling, with the settler's own configuration. Exit code 1 when a batch was not taken or a log not read.
 * @throws CocoonError where there was no round; with `json` it is on standard output as well
 */
export async function runSettleCommand(options: SettleOptions): Promise<void> {
    try {
        const report = await settleOnce(options);
        console.log(options.json ? JSON.stringify(report, bigintsAsText) : describeReport(report, options));
        if (report.failures.length > 0) process.exitCode = 1;
    } catch (error) {
        const known = error instanceof CocoonError ? (error as CocoonError) : unexpected(error);
        if (options.json) console.log(JSON.stringify({ error: { code: known.code, message: known.message } }));
        throw known;
    }
}

async function settleOnce({ config: file, force = false }: SettleOptions): Promise<SettlerReport> {
    const config = loadConfig('settler', { file });
    const logger = createLogger({ name: 'settle', level: config.logLevel });
    const { service, keeper } = await openSettler(config, logger);
    try {
        return await service.settleOnce({ force });
    } catch (error) {
        if (error instanceof Error) logger.debug({ stack: error.stack }, 'no round');
        throw error;
    } finally {
        await keeper.close();
    }
}

/** An operator is told in one line; the stack is in the log at level debug. */
function unexpected(error: unknown): CocoonError {
    return new CocoonError('unexpected', errorMessage(error), { action: 'stop', cause: error });
}

/** Says of nothing that it is settled but of what the chain has paid. */
export function describeReport(report: SettlerReport, { force = false }: Pick<SettleOptions, 'force'>): string {
    const { outstandingNano, failures, unreadableLogs } = report;
    const ofBatches = failures.filter((code) => !unreadableLogs.some((log) => log.code === code));
    const isDust = outstandingNano > 0n && ofBatches.length === 0 && !force;
    const left = isDust ? ' (too little to pay for its gas; --force settles it all the same)' : '';
    return [
        settledText(report, ofBatches.length),
        `outstanding: ${formatTon(outstandingNano)} TON${left}`,
        ...ofBatches.map((code) => `not settled: ${code}; it is tried again by the next round`),
        ...unreadableLogs.map(({ message, code }) => `not read: ${message} (${code})`),
    ].join('\n');
}

/** Of which messages failed ones were, codes do not tell: then only the sum is known. */
function settledText({ lines, batches, settledNano, costNano }: SettlerReport, failed: number): string {
    const gas = costNano > 0n ? `, for ${formatTon(costNano)} TON of gas` : '';
    if (settledNano === 0n) return `settled nothing${gas}`;
    const of = failed === 0 ? `${lines} receipt(s) in ${batches} message(s): ` : '';
    return `settled ${of}${formatTon(settledNano)} TON${gas}`;
}

function bigintsAsText(_key: string, value: unknown): unknown {
    return typeof value === 'bigint' ? value.toString() : value;
}
