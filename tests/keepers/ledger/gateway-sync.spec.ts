import { jest } from '@jest/globals';
import fs from 'node:fs';
import path from 'node:path';
import { GatewayLedger } from '../../../keepers/ledger';
import { heldSyncs, turns } from './held-syncs';
import { requestId, reservation, sent } from './ledger-records';
import { temporaryFolder } from './temporary-folder';

const folder = temporaryFolder();

function openLedger(onCommit?: (tookMs: number, operations: number) => void) {
    const ledger = new GatewayLedger({ file: path.join(folder, `${Math.random()}.db`), onCommit });
    const told: string[] = [];
    const reserve = (label: string) =>
        ledger.reserve(reservation(label, 5n, { sent: () => sent(label) })).then(
            () => void told.push(label),
            (error: { code: string }) => void told.push(error.code),
        );
    return { ledger, reserve, told };
}

afterEach(() => jest.restoreAllMocks());

test('nobody is told of what is not on disk, and the event loop goes on meanwhile', async () => {
    const { ledger, reserve, told } = openLedger();
    const held = heldSyncs();
    const reserved = reserve('1');
    await turns();
    expect([held.length, told]).toEqual([1, []]);
    held[0]!(null);
    await reserved;
    expect(told).toEqual(['1']);
    ledger.close();
});

test('what comes while a commit is synced shares the next transaction, and its sync', async () => {
    const batches: number[] = [];
    const { ledger, reserve, told } = openLedger((_tookMs, operations) => batches.push(operations));
    const held = heldSyncs();
    const all = [reserve('1')];
    await turns();
    for (const label of ['2', '3']) {
        all.push(reserve(label));
        await turns();
    }
    expect(held).toHaveLength(1);
    held[0]!(null);
    await turns();
    expect([held.length, told]).toEqual([2, ['1']]);
    held[1]!(null);
    await Promise.all(all);
    expect(batches).toEqual([1, 2]);
    ledger.close();
});

test('a sync that fails is the end: nothing more is taken until the ledger is opened again', async () => {
    const { ledger, reserve, told } = openLedger();
    const held = heldSyncs();
    const all = [reserve('1')];
    await turns();
    all.push(reserve('2'));
    held[0]!(Object.assign(new Error('EIO'), { code: 'EIO' }));
    await Promise.all(all);
    await reserve('3');
    expect(told).toEqual(['ledger_unusable', 'ledger_unusable', 'ledger_unusable']);
    ledger.close();
});

test('closing syncs what waits and tells whoever asked', async () => {
    const { ledger, reserve, told } = openLedger();
    const held = heldSyncs();
    const syncedNow = jest.spyOn(fs, 'fdatasyncSync');
    const all = [reserve('1')];
    await turns();
    all.push(reserve('2'));
    ledger.close();
    await Promise.all(all);
    expect([syncedNow.mock.calls.length, told]).toEqual([1, ['1', '2']]);
    held[0]!(null);
});

test('of several in one transaction a refused one leaves the others alone, and alone leaves nothing behind', async () => {
    const { ledger, reserve, told } = openLedger();
    await Promise.all([reserve('1'), reserve('1'), reserve('2')]);
    await reserve('2');
    expect(told.sort()).toEqual(['1', '2', 'request_replayed', 'request_replayed']);
    expect(ledger.open().map((request) => request.requestId)).toEqual([requestId('1'), requestId('2')]);
    ledger.close();
});
