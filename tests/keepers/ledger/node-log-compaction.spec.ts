import { existsSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import {
    NodeLog,
    type NodeLogEntry,
    type NodeLogSummary,
    readNodeLogSettleable,
    scanNodeLog,
} from '../../../keepers/ledger';
import { bytes } from './record-bytes';
import { logEntry, nodeA, nodeB } from './ledger-records';
import { temporaryFolder } from './temporary-folder';

const folder = temporaryFolder();
const hourMs = 3_600_000;
const nowMs = Date.now();
const noPause = async () => undefined;
let files = 0;

interface Logged {
    sequence: number;
    nodeKey?: Buffer;
    session?: string;
    capNano?: bigint;
    ageHours?: number;
    final?: boolean;
}

function entry({
    sequence,
    nodeKey = nodeA,
    session = 'session',
    capNano,
    ageHours = 10,
    final,
}: Logged): NodeLogEntry {
    const cumulative = BigInt(sequence) * 5n;
    const capCumulative = capNano ?? cumulative + 5n;
    const fields = { sequence, cost: 5n, cumulative, capCumulative, nodeKey, sessionKey: bytes(session), final };
    return { ...logEntry(fields), atMs: nowMs - ageHours * hourMs };
}

async function logOf(entries: readonly Logged[]) {
    const file = path.join(folder, `${files++}.jsonl`);
    const log = await NodeLog.open(file);
    await Promise.all(entries.map((one) => log.append(entry(one))));
    return { file, log, compact: () => log.compact(nowMs - 3 * hourMs, noPause) };
}

async function contentOf(file: string) {
    const sequences: number[] = [];
    const summaries: NodeLogSummary[] = [];
    const onSummary = (summary: NodeLogSummary) => void summaries.push(summary);
    await scanNodeLog(file, ({ receipt }) => void sequences.push(receipt.sequence), { onSummary });
    return { sequences, summaries };
}

const old = (count: number, more: Partial<Logged> = {}) =>
    Array.from({ length: count }, (_, i) => ({ sequence: i + 1, ...more }));

it('takes out what later receipts stand for, and settles as before', async () => {
    const { file, log, compact } = await logOf([
        ...old(50),
        ...old(30, { nodeKey: nodeB }),
        { sequence: 51, ageHours: 1 },
    ]);
    const before = { settleable: await readNodeLogSettleable(file), bytes: statSync(file).size };
    expect(await compact()).toEqual({ receipts: 49 + 29 + 1 });
    const byNode = (of: { receipt: { nodeKey: Buffer } }[]) =>
        of.sort((a, b) => a.receipt.nodeKey.compare(b.receipt.nodeKey));
    expect(byNode(await readNodeLogSettleable(file))).toEqual(byNode(before.settleable));
    expect(statSync(file).size).toBeLessThan(before.bytes / 8);
    const { sequences, summaries } = await contentOf(file);
    expect(sequences).toEqual([30, 51]);
    expect(summaries).toMatchObject([
        { nodeKey: nodeA, sequence: 50, cumulativeNano: 250n, finals: 50 },
        { nodeKey: nodeB, sequence: 29, cumulativeNano: 145n, finals: 29 },
    ]);
    await log.close();
});

it('keeps the highest cap, and the latest receipt of every session key', async () => {
    const { file, log, compact } = await logOf([
        { sequence: 1, session: 'first', capNano: 1_000n },
        { sequence: 2, session: 'first' },
        { sequence: 3, session: 'first' },
        { sequence: 4, session: 'second' },
        { sequence: 5, session: 'second' },
    ]);
    expect(await compact()).toEqual({ receipts: 2 });
    expect((await contentOf(file)).sequences).toEqual([1, 3, 5]);
    await log.close();
});

it('adds to what it took out before, also after a restart, and leaves a file alone that has nothing old', async () => {
    const { file, log, compact } = await logOf([...old(10), { sequence: 11, ageHours: 1, final: false }]);
    await compact();
    const size = statSync(file).size;
    expect(await compact()).toEqual({ receipts: 0 });
    expect(statSync(file).size).toBe(size);
    await log.append(entry({ sequence: 12, ageHours: 1 }));
    await log.close();
    const again = await NodeLog.open(file);
    expect(await again.compact(nowMs, noPause)).toEqual({ receipts: 1 });
    expect((await contentOf(file)).summaries).toMatchObject([{ sequence: 11, cumulativeNano: 55n, finals: 10 }]);
    expect((await contentOf(file)).sequences).toEqual([12]);
    await again.close();
});

it('loses no line that is logged meanwhile', async () => {
    const { file, log } = await logOf(old(400));
    const appended: Promise<void>[] = [];
    let sequence = 400;
    // Between any two pieces of work of the compaction lines come.
    const pause = async () => {
        for (let n = 0; n < 5; n++) appended.push(log.append(entry({ sequence: ++sequence, ageHours: 0 })));
        await appended.at(-1);
    };
    const compacting = log.compact(nowMs - 3 * hourMs, pause);
    await pause();
    expect(await compacting).toEqual({ receipts: 399 });
    await Promise.all(appended);
    await log.append(entry({ sequence: ++sequence, ageHours: 0 }));
    const expected = Array.from({ length: sequence - 399 }, (_, i) => 400 + i);
    expect((await contentOf(file)).sequences).toEqual(expected);
    await log.close();
    // What is on disk is what it was told: nothing is cut off at the next start.
    await (await NodeLog.open(file)).close();
    expect((await contentOf(file)).sequences).toEqual(expected);
});

it('begins anew after a crash that left a file half written', async () => {
    const { file, log } = await logOf(old(5));
    await log.close();
    writeFileSync(`${file}.compacting`, 'half a li');
    const again = await NodeLog.open(file);
    expect(existsSync(`${file}.compacting`)).toBe(false);
    expect(await again.compact(nowMs - 3 * hourMs, noPause)).toEqual({ receipts: 4 });
    await again.close();
});

it('leaves the file as it was when it is stopped on the way', async () => {
    const { file, log } = await logOf(old(5));
    const stopped = log.compact(nowMs - 3 * hourMs, () => Promise.reject(new Error('stopping')));
    await expect(stopped).rejects.toThrow('stopping');
    expect((await contentOf(file)).sequences).toEqual([1, 2, 3, 4, 5]);
    expect(existsSync(`${file}.compacting`)).toBe(false);
    await log.append(entry({ sequence: 6 }));
    expect((await contentOf(file)).sequences).toEqual([1, 2, 3, 4, 5, 6]);
    await log.close();
});
