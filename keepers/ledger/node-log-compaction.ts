import { rmSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import type { Pause } from './maintenance/pause';
import { encodeLogSummary, type NodeLogEntry, type NodeLogSummary } from './node-log-entry';
import { checkedLine } from './node-log-line';
import { streamKey, streamName } from './latest-receipts';
import { scanNodeLog } from './node-log-reader';

/** Beside the log until it takes its place. */
export function compactedName(fileName: string): string {
    return `${fileName}.compacting`;
}

export interface CompactedLog {
    file: FileHandle;
    sizeBytes: number;
    takenOut: number;
    oldestAtMs: number;
    discard(): Promise<void>;
}

interface Compacting {
    fileName: string;
    /** The lines up to here are judged. */
    sizeBytes: number;
    beforeMs: number;
    pause: Pause;
}

/** What is enough of the lines before, to settle all that they could settle. */
interface Needed {
    /** The latest receipt that names a session key, and the line with the highest cap that this key signed. */
    latest: number;
    cap: { sequence: number; nano: bigint };
}

const bufferedLines = 500;

/** The first `sizeBytes` of a log without what it need not keep, on disk, and the file still open to append to. */
export async function writeCompacted(compacting: Compacting): Promise<CompactedLog> {
    const { fileName } = compacting;
    const file = await open(compactedName(fileName), 'a+', 0o600);
    const discard = async () => {
        await file.close().catch(() => undefined);
        rmSync(compactedName(fileName), { force: true });
    };
    try {
        await file.truncate(0);
        const written = await writeKept(file, compacting, await findNeeded(compacting));
        await file.datasync();
        return { file, ...written, discard };
    } catch (error) {
        await discard();
        throw error;
    }
}

async function findNeeded({ fileName, sizeBytes, pause }: Compacting): Promise<Map<string, Needed>> {
    const needed = new Map<string, Needed>();
    const visit = (entry: NodeLogEntry) => {
        const { sequence } = entry.receipt;
        const { capCumulativeNano: nano } = entry.cap;
        const known = needed.get(accountKey(entry));
        if (!known) return void needed.set(accountKey(entry), { latest: sequence, cap: { sequence, nano } });
        if (sequence > known.latest) known.latest = sequence;
        // The later of two equal ones: it is likelier to stay for its own sake.
        if (nano >= known.cap.nano) known.cap = { sequence, nano };
    };
    await scanNodeLog(fileName, visit, { untilBytes: sizeBytes, pause });
    return needed;
}

async function writeKept(file: FileHandle, compacting: Compacting, needed: ReadonlyMap<string, Needed>) {
    const { fileName, sizeBytes: untilBytes, beforeMs, pause } = compacting;
    const summaries = new Map<string, NodeLogSummary>();
    let [lines, bytes, takenOut, oldestAtMs] = [[] as string[], 0, 0, Infinity];
    const flush = async () => {
        const buffer = Buffer.from(lines.join(''), 'utf8');
        lines = [];
        bytes += buffer.length;
        await file.appendFile(buffer);
    };
    const visit = (entry: NodeLogEntry, line: string) => {
        const { latest, cap } = needed.get(accountKey(entry))!;
        const { sequence } = entry.receipt;
        const isYoung = entry.atMs >= beforeMs;
        if (isYoung) oldestAtMs = Math.min(oldestAtMs, entry.atMs);
        if (isYoung || sequence === latest || sequence === cap.sequence) return void lines.push(`${line}\n`);
        takenOut += 1;
        addTo(summaries, summaryOf(entry));
    };
    const onSummary = (summary: NodeLogSummary) => addTo(summaries, summary);
    await scanNodeLog(fileName, visit, {
        untilBytes,
        onSummary,
        pause: async (tookMs) => {
            if (lines.length >= bufferedLines) await flush();
            await pause(tookMs);
        },
    });
    lines.push(...[...summaries.values()].map((summary) => checkedLine(encodeLogSummary(summary))));
    await flush();
    return { sizeBytes: bytes, takenOut, oldestAtMs };
}

function summaryOf({ escrow, epoch, receipt, final }: NodeLogEntry): NodeLogSummary {
    const { nodeKey, sequence, cumulativeNano } = receipt;
    return { escrow, epoch, nodeKey, sequence, cumulativeNano, finals: final ? 1 : 0 };
}

function addTo(summaries: Map<string, NodeLogSummary>, more: NodeLogSummary): void {
    const name = streamName(more);
    const known = summaries.get(name);
    if (!known) return void summaries.set(name, { ...more });
    known.sequence = Math.max(known.sequence, more.sequence);
    if (more.cumulativeNano > known.cumulativeNano) known.cumulativeNano = more.cumulativeNano;
    known.finals += more.finals;
}

/** Receipts that name another session key settle with other caps. */
function accountKey(entry: NodeLogEntry): string {
    return `${streamKey(entry)}/${entry.receipt.sessionKey.toString('hex')}`;
}
