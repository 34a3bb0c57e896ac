import { existsSync, mkdtempSync, readFileSync, statSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import path from 'node:path';
import { openDispatchLedger } from '../../../keepers/ledger';
import { limitBlockBytes, runWithLimitedFiles } from '../../support/limited-files';
import { temporaryFolder } from './temporary-folder';

const folder = temporaryFolder();
const script = path.join(__dirname, 'backup-once.ts');

interface Appending {
    appendFile: (this: FileHandle, text: string) => Promise<void>;
}

function places() {
    const place = mkdtempSync(path.join(folder, 'backup-'));
    return { file: path.join(place, 'ledger.sqlite'), backup: path.join(place, 'ledger.backup') };
}

/** @param bytes about how long its backup is */
async function ledgerOf(file: string, bytes: number) {
    const ledger = await openDispatchLedger({ file });
    await ledger.outbox.record({ kind: 'k', key: 'x', owner: 'o', payload: 'p'.repeat(bytes), atMs: 1 });
    return ledger;
}

/** The size of a backup of so long a ledger. */
async function sizeOf(bytes: number): Promise<number> {
    const { file, backup } = places();
    const ledger = await ledgerOf(file, bytes);
    await ledger.upkeep.backup(backup, 5);
    await ledger.close();
    return statSync(backup).size;
}

it('a backup whose last line the disk has no room for fails, and the one before stays', async () => {
    // The room ends within the last line, at a block: what is written before it is as long as it takes.
    const roomBytes = (size: number) => size - 20;
    const least = 80_000;
    const missing = limitBlockBytes - (roomBytes(await sizeOf(least)) % limitBlockBytes);
    const blocks = roomBytes(await sizeOf(least + missing)) / limitBlockBytes;
    const { file, backup } = places();
    const ledger = await ledgerOf(file, least + missing);
    await ledger.upkeep.backup(backup, 1);
    await ledger.close();
    const before = readFileSync(backup);
    expect(runWithLimitedFiles(blocks, script, [file, backup])).toBe('backup_failed');
    expect(readFileSync(backup)).toEqual(before);
    expect(existsSync(`${backup}.partial`)).toBe(false);
    expect(runWithLimitedFiles(blocks + 1, script, [file, backup])).toBe('done');
    const again = await openDispatchLedger({ file });
    expect(await again.upkeep.restore(backup, { replace: true })).toMatchObject({ atMs: 5, rows: 1 });
    await again.close();
});

describe('what a disk gives back otherwise than it was written', () => {
    afterEach(() => jest.restoreAllMocks());

    it('takes the place of no backup', async () => {
        const { file, backup } = places();
        const ledger = await ledgerOf(file, 100);
        await ledger.upkeep.backup(backup, 1);
        const before = readFileSync(backup);
        const handle = await open(backup, 'r');
        const files = Object.getPrototypeOf(handle) as Appending;
        await handle.close();
        const append = files.appendFile;
        jest.spyOn(files, 'appendFile').mockImplementation(function (this: FileHandle, text) {
            return append.call(this, text.replace('ppp', 'pqp'));
        });
        await expect(ledger.upkeep.backup(backup, 5)).rejects.toMatchObject({ code: 'backup_failed', action: 'retry' });
        expect(readFileSync(backup)).toEqual(before);
        expect(existsSync(`${backup}.partial`)).toBe(false);
        await ledger.close();
    });
});
