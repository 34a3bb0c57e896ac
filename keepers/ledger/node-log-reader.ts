import { createReadStream } from 'node:fs';
import { LedgerError } from './errors';
import { lineChecksum } from './node-log-line';
import { noPause, type Pause } from './maintenance/pause';
import { decodeLogLine, type NodeLogEntry, type NodeLogLine, type NodeLogSummary } from './node-log-entry';
import type { Settleable } from './dispatch-records';
import { LatestReceipts } from './latest-receipts';

const newline = 0x0a;

export interface NodeLogScan {
    /** Told of what compaction took out, see `NodeLogSummary`. */
    onSummary?: (summary: NodeLogSummary, line: string) => void;
    /** Where a line begins; lines are counted from there. */
    fromBytes?: number;
    /** Only the first so many bytes. */
    untilBytes?: number;
    /** Between two pieces of the file. */
    pause?: Pause;
}

/** Calls `visit` for every receipt; a torn last line ends the scan, damage anywhere else is an error. */
export async function scanNodeLog(
    fileName: string,
    visit: (entry: NodeLogEntry, line: string) => void,
    { onSummary, fromBytes = 0, untilBytes = Infinity, pause = noPause }: NodeLogScan = {},
): Promise<{ lines: number; intactBytes: number }> {
    if (untilBytes <= fromBytes) return { lines: 0, intactBytes: 0 };
    let carry: Buffer = Buffer.alloc(0);
    let lines = 0;
    let intactBytes = 0;
    const pieces = createReadStream(fileName, { start: fromBytes, end: untilBytes - 1 });
    for await (const chunk of pieces as AsyncIterable<Buffer>) {
        const startedMs = performance.now();
        carry = carry.length === 0 ? chunk : Buffer.concat([carry, chunk]);
        let start = 0;
        for (let end = carry.indexOf(newline); end >= 0; end = carry.indexOf(newline, start)) {
            const text = carry.toString('utf8', start, end);
            const line = parseLine(text, ++lines, fileName);
            if ('entry' in line) visit(line.entry, text);
            else onSummary?.(line.summary, text);
            intactBytes += end + 1 - start;
            start = end + 1;
        }
        carry = carry.subarray(start);
        await pause(performance.now() - startedMs);
    }
    return { lines, intactBytes };
}

/** The latest receipt of every stream with the best cap for it, as the settler wants them. */
export async function readNodeLogSettleable(fileName: string): Promise<Settleable[]> {
    const latest = new LatestReceipts();
    await scanNodeLog(fileName, (entry) => latest.add(entry));
    return latest.settleable();
}

function parseLine(line: string, lineNumber: number, fileName: string): NodeLogLine {
    const json = line.slice(9);
    try {
        if (line.slice(0, 9) === `${lineChecksum(json)} `) return decodeLogLine(json);
    } catch (error) {
        throw corrupt(lineNumber, fileName, error);
    }
    throw corrupt(lineNumber, fileName);
}

function corrupt(lineNumber: number, fileName: string, cause?: unknown): LedgerError {
    return new LedgerError('log_corrupt', `${fileName}: line ${lineNumber} is damaged: restore it from a copy`, {
        context: { lineNumber },
        cause,
    });
}
