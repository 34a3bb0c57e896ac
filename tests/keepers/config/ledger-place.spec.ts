import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { ledgerPlaceOf, loadConfig } from '../../../keepers/config';

const folder = mkdtempSync(path.join(tmpdir(), 'cocoon-config-'));
const hub = `0:${'11'.repeat(32)}`;
const url = 'postgres://cocoon@db.example:5432/ledger?sslmode=verify-full';

function load(settings: object) {
    const file = path.join(folder, 'dispatcher.json');
    const rest = { chain: { endpoints: ['http://127.0.0.1:8081/'] }, deploymentFile: 'devnet.json', hub };
    writeFileSync(file, JSON.stringify({ ...rest, listen: { port: 0 }, ...settings }));
    return loadConfig('dispatcher', { file, env: {} });
}

describe('where a ledger is', () => {
    it('is a file', () => {
        expect(ledgerPlaceOf(load({ ledgerFile: 'a.sqlite' }))).toEqual({ file: 'a.sqlite' });
    });

    it('is a PostgreSQL, with a password from a file of its own', () => {
        const ledgerPasswordFile = path.join(folder, 'password');
        writeFileSync(ledgerPasswordFile, 'secret\n', { mode: 0o600 });
        const config = load({ ledgerUrl: url, ledgerPasswordFile, dispatcherId: 'eu-1' });
        expect(ledgerPlaceOf(config)).toEqual({ url, password: 'secret' });
        expect(ledgerPlaceOf(load({ ledgerUrl: url }))).toEqual({ url });
    });

    it.each([
        ['two', { ledgerFile: 'a.sqlite', ledgerUrl: url }, /not both/],
        ['none', {}, /needs a ledger/],
        ['a password in the address', { ledgerUrl: 'postgres://a:b@db/ledger' }, /ledgerUrl: must hold no password/],
        ['another kind of address', { ledgerUrl: 'mysql://a@db/ledger' }, /ledgerUrl: must be postgres:/],
        ['a name with blanks', { ledgerFile: 'a', dispatcherId: 'a b' }, /dispatcherId: must be/],
    ])('is refused: %s', (_what, settings, message) => {
        expect(() => load(settings)).toThrow(message);
    });
});
