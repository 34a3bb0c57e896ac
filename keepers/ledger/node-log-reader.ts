import { createReadStream } from 'node:fs';
import { LedgerError } from './errors';
import { lineChecksum } from './node-log-line';
import { decodeLogEntry, type NodeLogEntry } from './node-log-entry';
import type { Settleable } from './dispatch-records';

const newline = 0x0a;

/** Calls `visit` for every whole line; a torn last line ends the scan, damage anywhere else is an error. */
export async function scanNodeLog(
    fileName: string,
    visit: (entry: NodeLogEntry) => void,
): Promise<{ lines: number; intactBytes: number }> {
    let carry: Buffer = Buffer.alloc(0);
    let lines = 0;
    let intactBytes = 0;
    for await (const chunk of createReadStream(fileName) as AsyncIterable<Buffer>) {
        carry = carry.length === 0 ? chunk : Buffer.concat([carry, chunk]);
        let start = 0;
        for (let end = carry.indexOf(newline); end >= 0; end = carry.indexOf(newline, start)) {
            visit(parseLine(carry.toString('utf8', start, end), ++lines, fileName));
            intactBytes += end + 1 - start;
            start = end + 1;
        }
        carry = carry.subarray(start);
    }
    return { lines, intactBytes };
}

/** The latest receipt of every stream with the best cap for it, as the settler wants them. */
export async function readNodeLogSettleable(fileName: string): Promise<Settleable[]> {
    const latest = new Map<string, NodeLogEntry>();
    const bestCaps = new Map<string, NodeLogEntry['cap']>();
    await scanNodeLog(fileName, (entry) => {
        const stream = streamKey(entry);
        const known = latest.get(stream);
        if (!known || known.receipt.sequence < entry.receipt.sequence) latest.set(stream, entry);
        const capKey = `${stream}/${entry.cap.sessionKey.toString('hex')}`;
        const best = bestCaps.get(capKey);
        if (!best || best.capCumulativeNano < entry.cap.capCumulativeNano) bestCaps.set(capKey, entry.cap);
    });
    return [...latest.values()].map((entry) => ({
        escrow: entry.escrow,
        epoch: entry.epoch,
        receipt: entry.receipt,
        signature: entry.signature,
        cap: bestCaps.get(`${streamKey(entry)}/${entry.receipt.sessionKey.toString('hex')}`)!,
        paidNano: 0n,
        receivedAtMs: entry.atMs,
    }));
}

function streamKey(entry: NodeLogEntry): string {
    return `${entry.escrow.toString('hex')}/${entry.epoch}/${entry.receipt.nodeKey.toString('hex')}`;
}

function parseLine(line: string, lineNumber: number, fileName: string): NodeLogEntry {
    const json = line.slice(9);
    try {
        if (line.slice(0, 9) === `${lineChecksum(json)} `) return decodeLogEntry(json);
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
