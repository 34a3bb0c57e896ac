import { existsSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { Command } from 'commander';
import { addLedgerCommands } from '../../../keepers/cli/ledger-commands';
import { openDatabase, openDispatchLedger, schemaVersion } from '../../../keepers/ledger';
import { inspectLedger } from '../../../keepers/ledger/inspect-ledger';
import { configuredRole } from './doctor/configured-roles';
import { folder } from './provider/configured-node';

afterAll(() => rmSync(folder, { recursive: true, force: true }));
afterEach(() => jest.restoreAllMocks());

/** A dispatcher's settings, the file that they name, which is not there yet, and one for a backup. */
async function dispatcher() {
    const config = await configuredRole('dispatcher');
    const { ledgerFile } = JSON.parse(readFileSync(config, 'utf8')) as { ledgerFile: string };
    const backup = path.join(path.dirname(config), 'ledger.backup');
    const cocoon = async (...act: string[]) => {
        const told = jest.spyOn(console, 'log').mockImplementation(() => undefined);
        const program = new Command();
        addLedgerCommands(program);
        await program.parseAsync(['ledger', ...act, '--config', config, '--json'], { from: 'user' });
        return JSON.parse(told.mock.lastCall![0] as string) as object;
    };
    return { ledgerFile, backup, cocoon };
}

/** As a program wrote it that did not know the last step. */
async function outdated(file: string): Promise<void> {
    await (await openDispatchLedger({ file })).close();
    const database = openDatabase({ file });
    database.exec(`DELETE FROM schema_version WHERE version = ${schemaVersion}`);
    database.close();
}

const lookingOnes = (backup: string) => [['info'], ['backup', backup], ['audit'], ['compact']];

test('where the settings name no ledger none is made, and nothing is backed up', async () => {
    const { ledgerFile, backup, cocoon } = await dispatcher();
    for (const act of lookingOnes(backup))
        await expect(cocoon(...act)).rejects.toMatchObject({ code: 'ledger_missing', action: 'fix' });
    expect([existsSync(ledgerFile), existsSync(backup)]).toEqual([false, false]);
});

test('a ledger of an older program is brought further by `migrate` alone', async () => {
    const { ledgerFile, backup, cocoon } = await dispatcher();
    await outdated(ledgerFile);
    for (const act of lookingOnes(backup))
        await expect(cocoon(...act)).rejects.toMatchObject({ code: 'ledger_outdated', action: 'fix' });
    expect(inspectLedger(ledgerFile)).toMatchObject({ version: schemaVersion - 1, pendingSteps: 1 });
});

test('`migrate` makes a ledger, a backup of it goes into another that `restore` makes', async () => {
    const [one, other] = [await dispatcher(), await dispatcher()];
    expect(await one.cocoon('migrate')).toMatchObject({ schemaVersion });
    expect(await one.cocoon('info')).toMatchObject({ rows: { dispatch_streams: 0 } });
    expect(await one.cocoon('backup', one.backup)).toMatchObject({ rows: 0 });
    expect(await other.cocoon('restore', one.backup)).toMatchObject({ rows: 0 });
    expect(await other.cocoon('info')).toMatchObject({ schemaVersion });
});
