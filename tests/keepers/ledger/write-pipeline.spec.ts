import { jest } from '@jest/globals';
import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import type { Worker } from 'node:worker_threads';
import { type DispatchLedger, openDispatchLedger } from '../../../keepers/ledger';
import { openDatabase } from '../../../keepers/ledger/database';
import { WriterThread } from '../../../keepers/ledger/sqlite/writer-thread';
import { cap, funds, receipt, requestId } from './ledger-records';
import { temporaryFolder } from './temporary-folder';

const folder = temporaryFolder();
let files = 0;
const newFile = () => path.join(folder, `${files++}.sqlite`);

/** The thread of the ledger that `act` has write. */
async function threadOf(act: () => Promise<unknown>): Promise<Worker> {
    const save = jest.spyOn(WriterThread.prototype, 'save');
    await act();
    const thread = save.mock.contexts[0] as { worker: Worker };
    save.mockRestore();
    return thread.worker;
}

async function opened<T>(
    options: { file: string; busyTimeoutMs?: number },
    use: (ledger: DispatchLedger) => Promise<T>,
) {
    const ledger = await openDispatchLedger(options);
    try {
        return await use(ledger);
    } finally {
        await ledger.close();
    }
}

describe("the thread that writes a dispatcher's SQLite ledger", () => {
    it('keeps a process that waits for it and nothing else, and lets it go then', async () => {
        const args = ['--import', 'tsx', path.join(__dirname, 'ledger-waiter.ts'), newFile()];
        const { stdout } = await promisify(execFile)(process.execPath, args);
        expect(stdout).toBe('recorded\n');
    });

    it('ends the ledger when it ends: nothing more is taken, and all that waits is refused', async () => {
        await opened({ file: newFile() }, async (ledger) => {
            const thread = await threadOf(() => ledger.recordCap(cap('1', 5n)));
            const [gone, last] = [thread.terminate(), ledger.recordCap(cap('2', 10n))];
            await expect(last).rejects.toMatchObject({ code: 'ledger_unusable', action: 'stop' });
            await gone;
            await expect(ledger.recordCap(cap('3', 15n))).rejects.toMatchObject({ code: 'ledger_unusable' });
            expect(await ledger.requestState(requestId('1'))).toMatchObject({ state: 'running' });
        });
    });

    it('waits for another process that writes, and not for ever', async () => {
        const file = newFile();
        await opened({ file, busyTimeoutMs: 50 }, async (ledger) => {
            await ledger.recordCap(cap('1', 5n));
            const other = openDatabase({ file });
            other.exec('BEGIN IMMEDIATE');
            await expect(ledger.recordCap(cap('2', 10n))).rejects.toMatchObject({ code: 'ledger_busy' });
            other.exec('COMMIT');
            other.close();
            await ledger.recordCap(cap('2', 10n));
            expect(await ledger.requestState(requestId('2'))).toMatchObject({ state: 'running' });
        });
    });

    it('says early only what stands, also where another process has changed what it was decided on', async () => {
        const file = newFile();
        await opened({ file }, (first) =>
            opened({ file }, async (second) => {
                const of = (label: string) => cap(label, 100n, { worstCaseNano: 40n, funds: funds(100n) });
                await first.recordCap(of('1'));
                await second.recordCap(of('2'));
                const accepted: string[] = [];
                const third = first.recordCap(of('3'), () => void accepted.push('3'));
                await expect(third).rejects.toMatchObject({ code: 'escrow_insufficient' });
                await first.recordReceipt(receipt('1', { sequence: 1, cost: 5n, cumulative: 5n }));
                await first.recordCap(of('4'), () => void accepted.push('4'));
                expect(accepted).toEqual(['4']);
            }),
        );
    });
});
