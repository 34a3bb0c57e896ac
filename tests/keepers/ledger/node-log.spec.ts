import fs, { appendFileSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { NodeLog, type NodeLogEntry, readNodeLogSettleable, scanNodeLog } from '../../../keepers/ledger';
import { systemClock } from '../../../keepers/base';
import { logEntry, nodeB } from './ledger-records';
import { temporaryFolder } from './temporary-folder';

const folder = temporaryFolder();
let counter = 0;
const logFile = () => path.join(folder, `${counter++}.log`);

async function entries(file: string): Promise<NodeLogEntry[]> {
    const found: NodeLogEntry[] = [];
    await scanNodeLog(file, (entry) => found.push(entry));
    return found;
}

const entry = (sequence: number) =>
    logEntry({ sequence, cost: 5n, cumulative: BigInt(sequence) * 5n, capCumulative: 100n });

describe('NodeLog', () => {
    it('reads back what was appended', async () => {
        const file = logFile();
        const log = await NodeLog.open(file);
        const written = Array.from({ length: 50 }, (_, i) => entry(i + 1));
        await Promise.all(written.map((line) => log.append(line)));
        await log.close();
        expect(await entries(file)).toEqual(written);
        expect(statSync(file).mode & 0o077).toBe(0);
        await expect(log.append(entry(99))).rejects.toMatchObject({ code: 'ledger_closed' });
    });

    it('never forgets a line that comes as the group before it ends', async () => {
        const file = logFile();
        const log = await NodeLog.open(file);
        for (let i = 1; i <= 300; i++) {
            const appended = log.append(entry(i));
            for (let turn = 0; turn < i % 4; turn++) await Promise.resolve();
            await appended;
        }
        await log.close();
        expect(await entries(file)).toHaveLength(300);
    });

    it('ends before a torn last line and goes on after it', async () => {
        const file = logFile();
        const log = await NodeLog.open(file);
        await log.append(entry(1));
        await log.append(entry(2));
        await log.close();
        const whole = readFileSync(file);
        writeFileSync(file, whole.subarray(0, whole.length - 7));
        expect(await entries(file)).toEqual([entry(1)]);
        const reopened = await NodeLog.open(file);
        await reopened.append(entry(3));
        await reopened.close();
        expect(await entries(file)).toEqual([entry(1), entry(3)]);
    });

    it.each([
        ['a flipped digit', (text: string) => text.replace('"sequence":1', '"sequence":7')],
        ['a line that is no entry', (text: string) => `nonsense\n${text}`],
    ])('refuses %s before the end, with its line number', async (_name, damage) => {
        const file = logFile();
        const log = await NodeLog.open(file);
        await log.append(entry(1));
        await log.append(entry(2));
        await log.close();
        writeFileSync(file, damage(readFileSync(file, 'utf8')));
        await expect(entries(file)).rejects.toMatchObject({ code: 'log_corrupt', context: { lineNumber: 1 } });
    });

    it('yields the latest receipt of each stream with the best cap under its session key', async () => {
        const file = logFile();
        const log = await NodeLog.open(file);
        await log.append(logEntry({ sequence: 1, cost: 5n, cumulative: 5n, capCumulative: 80n }));
        await log.append(logEntry({ sequence: 2, cost: 5n, cumulative: 10n, capCumulative: 60n }));
        await log.append(
            logEntry({ sequence: 3, cost: 5n, cumulative: 15n, capCumulative: 99n, sessionKey: Buffer.alloc(32, 1) }),
        );
        await log.append(logEntry({ sequence: 1, cost: 3n, cumulative: 3n, capCumulative: 9n, nodeKey: nodeB }));
        await log.close();
        appendFileSync(file, 'torn');
        expect(await readNodeLogSettleable(file)).toMatchObject([
            { receipt: { sequence: 3 }, cap: { capCumulativeNano: 99n } },
            { receipt: { sequence: 1, nodeKey: nodeB }, cap: { capCumulativeNano: 9n } },
        ]);
    });

    describe('on a disk without room', () => {
        const atOnce = { ...systemClock, sleep: () => new Promise<void>((resolve) => setImmediate(resolve)) };
        afterEach(() => jest.restoreAllMocks());

        /** Writes half of what it is given, as a disk that runs full does, so many times. */
        function failAppends(times: number): void {
            const append = fs.appendFileSync.bind(fs);
            let left = times;
            jest.spyOn(fs, 'appendFileSync').mockImplementation((file, bytes) => {
                if (left-- <= 0) return append(file, bytes);
                append(file, (bytes as Buffer).subarray(0, bytes.length / 2));
                throw Object.assign(new Error('ENOSPC: no space left on device'), { code: 'ENOSPC' });
            });
        }

        it('waits for room, says so, and loses nothing', async () => {
            const file = logFile();
            const log = await NodeLog.open(file, atOnce);
            const told: (string | null)[] = [];
            log.watch((trouble) => told.push(trouble));
            await log.append(entry(1));
            failAppends(3);
            await Promise.all([log.append(entry(2)), log.append(entry(3))]);
            await log.append(entry(4));
            await log.close();
            expect(await entries(file)).toEqual([entry(1), entry(2), entry(3), entry(4)]);
            expect(told).toEqual([...Array<unknown>(3).fill(expect.stringContaining('ENOSPC')), null]);
        });

        it('refuses what waits, and all that follows, once nobody may wait for room', async () => {
            const file = logFile();
            const log = await NodeLog.open(file);
            failAppends(Infinity);
            const waiting = log.append(entry(1));
            log.failFast();
            await expect(waiting).rejects.toMatchObject({ code: 'ledger_write_failed' });
            await expect(log.append(entry(2))).rejects.toMatchObject({ code: 'ledger_write_failed' });
            await log.close();
            expect(await entries(file)).toEqual([]);
        });
    });
});
