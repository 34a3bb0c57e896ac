import path from 'node:path';
import { GatewayLedger } from '../../../keepers/ledger';
import { gatewayReceipt, type ReceiptFields, requestId, reservation, sent, streamA } from './ledger-records';
import { temporaryFolder } from './temporary-folder';

const folder = temporaryFolder();
const file = () => path.join(folder, `${Math.random()}.db`);
const key = { name: 'ci', budgetNano: { total: 300n } };

/** Two requests of one node under a key with a budget, the first of which its node left unfinished. */
async function lostRequest(place = file()) {
    const ledger = new GatewayLedger({ file: place });
    for (const label of ['1', '2']) await ledger.reserve(reservation(label, 100n, { key, sent: () => sent(label) }));
    await ledger.lose(requestId('1'), 'answer_truncated', 3);
    const note = (fields: ReceiptFields) => ledger.noteCheckpoint(requestId('1'), gatewayReceipt(fields));
    return { ledger, note };
}

test('a checkpoint is what a request cost whose node never came back: in the budget, the sums and the list', async () => {
    const { ledger, note } = await lostRequest();
    await note({ sequence: 1, cost: 30n, cumulative: 30n });
    // The node may have signed more, up to its cap, so until it can't collect all of it stays set aside.
    expect(ledger.keySpend('ci', 1)).toMatchObject({ spentNano: { total: 0n }, openNano: 200n });
    expect(ledger.totals()).toMatchObject({ costNano: 0n, openNano: 200n });
    await ledger.giveUp(requestId('1'), 'node_expired', 9);
    expect(ledger.keySpend('ci', 1)).toMatchObject({ spentNano: { total: 30n }, openNano: 100n });
    expect([ledger.knownFinalsNano(streamA), ledger.openWorstCasesNano(streamA)]).toEqual([30n, 100n]);
    expect(ledger.request(requestId('1'))).toMatchObject({
        state: 'final',
        failureCode: 'node_expired',
        checkpoint: null,
        final: { receipt: { costNano: 30n }, usage: null },
    });
    await expect(ledger.reserve(reservation('3', 171n, { key }))).rejects.toMatchObject({ code: 'budget_exhausted' });
    await ledger.reserve(reservation('4', 170n, { key }));
});

test('without a checkpoint nothing was spent', async () => {
    const { ledger } = await lostRequest();
    await ledger.giveUp(requestId('1'), 'node_expired', 9);
    expect(ledger.keySpend('ci', 1)).toMatchObject({ spentNano: { total: 0n }, openNano: 100n });
    expect(ledger.request(requestId('1'))).toMatchObject({ state: 'failed', failureCode: 'node_expired' });
});

test('the newest checkpoint counts, in whatever order they come, also after a restart', async () => {
    const place = file();
    const { ledger, note } = await lostRequest(place);
    await note({ sequence: 3, cost: 50n, cumulative: 50n });
    await note({ sequence: 1, cost: 30n, cumulative: 30n });
    ledger.close();
    const again = new GatewayLedger({ file: place });
    await again.recover(5);
    expect(again.request(requestId('1'))!.checkpoint!.receipt.costNano).toBe(50n);
    again.close();
});

test('the final receipt, when it comes after all, takes the place of the checkpoint', async () => {
    const { ledger, note } = await lostRequest();
    await note({ sequence: 1, cost: 30n, cumulative: 30n });
    await ledger.resolve(requestId('1'), gatewayReceipt({ sequence: 4, cost: 45n, cumulative: 45n }), 6);
    expect(ledger.keySpend('ci', 1)).toMatchObject({ spentNano: { total: 45n }, openNano: 100n });
    await expect(ledger.giveUp(requestId('1'), 'node_expired', 9)).rejects.toMatchObject({
        code: 'request_state_invalid',
    });
});

test('receipts of other requests count what a checkpoint says', async () => {
    const { ledger, note } = await lostRequest();
    await note({ sequence: 1, cost: 30n, cumulative: 30n });
    const short = gatewayReceipt({ sequence: 2, cost: 20n, cumulative: 49n });
    await expect(ledger.resolve(requestId('2'), short, 6)).rejects.toMatchObject({ code: 'receipt_inconsistent' });
    await ledger.resolve(requestId('2'), gatewayReceipt({ sequence: 2, cost: 20n, cumulative: 50n }), 6);
});

test.each([
    ['costs more than was set aside', { sequence: 1, cost: 101n, cumulative: 101n }],
    ['has the sequence of another receipt', { sequence: 7, cost: 30n, cumulative: 30n }],
])('a checkpoint that %s is refused', async (_what, fields) => {
    const { ledger, note } = await lostRequest();
    await ledger.resolve(requestId('2'), gatewayReceipt({ sequence: 7, cost: 20n, cumulative: 50n }), 6);
    await expect(note(fields)).rejects.toMatchObject({ code: 'receipt_inconsistent' });
    expect(ledger.request(requestId('1'))!.checkpoint).toBeNull();
});

test('a checkpoint of a request that was then said to owe nothing is still known to those after it', async () => {
    const { ledger, note } = await lostRequest();
    await note({ sequence: 1, cost: 30n, cumulative: 30n });
    await ledger.fail(requestId('1'), 'node_refused', 4);
    const resolve = (cumulative: bigint) =>
        ledger.resolve(requestId('2'), gatewayReceipt({ sequence: 2, cost: 20n, cumulative }), 6);
    const because = (reason: string) => ({ context: { reason } });
    await expect(resolve(49n)).rejects.toMatchObject(because('cumulative_below_finals'));
    await expect(resolve(50n)).rejects.toMatchObject(because('cumulative_counts_refused'));
});

test('a receipt that comes late is held against those before it in its stream, not against later ones', async () => {
    const ledger = new GatewayLedger({ file: file() });
    for (const label of ['1', '2', '3']) await ledger.reserve(reservation(label, 100n, { sent: () => sent(label) }));
    await ledger.resolve(requestId('1'), gatewayReceipt({ sequence: 1, cost: 10n, cumulative: 10n }), 5);
    await ledger.resolve(requestId('3'), gatewayReceipt({ sequence: 3, cost: 30n, cumulative: 60n }), 5);
    const late = (cumulative: bigint) => gatewayReceipt({ sequence: 2, cost: 20n, cumulative });
    const because = (reason: string) => ({ context: { reason } });
    await expect(ledger.resolve(requestId('2'), late(29n), 6)).rejects.toMatchObject(
        because('cumulative_below_finals'),
    );
    await expect(ledger.resolve(requestId('2'), late(61n), 6)).rejects.toMatchObject(because('cumulative_fell'));
    await ledger.resolve(requestId('2'), late(30n), 6);
    expect(ledger.knownFinalsNano(streamA)).toBe(60n);
    ledger.close();
});
