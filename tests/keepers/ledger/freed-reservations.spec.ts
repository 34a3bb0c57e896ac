import path from 'node:path';
import { GatewayLedger } from '../../../keepers/ledger';
import { FreedReservations } from '../../../keepers/ledger/freed-reservations';
import { gatewayReceipt, requestId, reservation, sent, streamA } from './ledger-records';
import { temporaryFolder } from './temporary-folder';

const folder = temporaryFolder();

/** Two requests of one node, the first of which its dispatcher says was refused. */
async function oneRefused() {
    const ledger = new GatewayLedger({ file: path.join(folder, `${Math.random()}.db`) });
    for (const label of ['1', '2']) await ledger.reserve(reservation(label, 100n, { sent: () => sent(label) }));
    await ledger.fail(requestId('1'), 'node_busy', 3);
    return ledger;
}

const counting = (cumulative: bigint) => gatewayReceipt({ sequence: 2, cost: 50n, cumulative });

test('a sum that counts a request said to be refused is told apart from one that nothing explains', async () => {
    const ledger = await oneRefused();
    const resolving = (cumulative: bigint) => ledger.resolve(requestId('2'), counting(cumulative), 4);
    await expect(resolving(150n)).rejects.toMatchObject({ context: { reason: 'cumulative_counts_refused' } });
    await expect(resolving(151n)).rejects.toMatchObject({ context: { reason: 'cumulative_above_reservations' } });
    expect([ledger.knownFinalsNano(streamA), ledger.openWorstCasesNano(streamA)]).toEqual([0n, 100n]);
    ledger.close();
});

test('its cap bounds it: what was refused before a request was signed for explains nothing', async () => {
    const ledger = await oneRefused();
    await ledger.resolve(requestId('2'), counting(50n), 4);
    await ledger.reserve(reservation('3', 100n, { sent: () => sent('3') }));
    const late = gatewayReceipt({ sequence: 3, cost: 50n, cumulative: 150n });
    await expect(ledger.resolve(requestId('3'), late, 6)).rejects.toMatchObject({
        context: { reason: 'cumulative_above_reservations' },
    });
    ledger.close();
});

test('the receipt is kept as what the node signed, and is what its request costs, no more', async () => {
    const ledger = await oneRefused();
    await ledger.lose(requestId('2'), 'answer_invalid', 4);
    await ledger.noteCheckpoint(requestId('2'), counting(150n));
    expect(ledger.request(requestId('2'))).toMatchObject({
        state: 'lost',
        checkpoint: { receipt: { costNano: 50n, cumulativeNano: 150n } },
    });
    await ledger.giveUp(requestId('2'), 'node_expired', 9);
    expect([ledger.knownFinalsNano(streamA), ledger.openWorstCasesNano(streamA)]).toEqual([50n, 0n]);
    ledger.close();
});

test('a checkpoint that turns out to be the last receipt is taken as that; another of its sequence is not', async () => {
    const ledger = await oneRefused();
    await ledger.lose(requestId('2'), 'answer_invalid', 4);
    const final = gatewayReceipt({ sequence: 2, cost: 50n, cumulative: 50n });
    await ledger.noteCheckpoint(requestId('2'), final);
    const other = gatewayReceipt({ sequence: 2, cost: 60n, cumulative: 60n });
    await expect(ledger.resolve(requestId('2'), other, 5)).rejects.toMatchObject({
        context: { reason: 'sequence_used' },
    });
    await ledger.resolve(requestId('2'), final, 5);
    expect(ledger.knownFinalsNano(streamA)).toBe(50n);
    ledger.close();
});

test('of a stream with many freed ones the sum stays right and the list short; old ones are forgotten', () => {
    const freed = new FreedReservations();
    for (let newestId = 1n; newestId <= 1_000n; newestId++) freed.note(1n, { worstNano: 1n, newestId, atMs: 1 });
    expect([freed.sumDuring(1n, 0n), freed.sumDuring(1n, 991n)]).toEqual([1_000n, 10n]);
    freed.note(2n, { worstNano: 1n, newestId: 1_000n, atMs: 3 * 3_600_000 });
    expect([freed.sumDuring(1n, 0n), freed.sumDuring(2n, 0n)]).toEqual([0n, 1n]);
});
