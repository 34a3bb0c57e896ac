import { statSync } from 'node:fs';
import path from 'node:path';
import { GatewayLedger, openDatabase } from '../../../keepers/ledger';
import { bytes } from './record-bytes';
import { escrow, gatewayReceipt, requestId, reservation, sent, streamA } from './ledger-records';
import { temporaryFolder } from './temporary-folder';

const folder = temporaryFolder();
const hourMs = 3_600_000;
const nowMs = Date.now();
const longAgoMs = nowMs - 10 * hourMs;
let files = 0;

function opened() {
    const file = path.join(folder, `${files++}.sqlite`);
    const ledger = new GatewayLedger({ file });
    const compact = () => ledger.compact({ beforeMs: nowMs - 3 * hourMs });
    return { ledger, compact, file };
}

interface Asked {
    atMs?: number;
    offer?: string;
    idempotent?: boolean;
}

async function ask(
    ledger: GatewayLedger,
    label: string,
    { atMs = longAgoMs, offer = 'offer', idempotent }: Asked = {},
) {
    const signed = {
        ...sent(label),
        offerHash: bytes(offer),
        signedOffer: bytes(`signed ${offer}`),
        atMs,
        ...(idempotent && { idempotency: { keyHash: bytes('key'), fingerprint: bytes('asked') } }),
    };
    await ledger.reserve(reservation(label, 10n, { atMs, sent: () => signed, key: { name: 'k', budgetNano: {} } }));
}

async function answer(ledger: GatewayLedger, label: string, sequence: number, atMs = longAgoMs) {
    const receipt = gatewayReceipt({ sequence, cost: 5n, cumulative: BigInt(sequence) * 5n });
    await ledger.resolve(requestId(label), receipt, atMs);
}

const paid = { paidNano: new Map<string, bigint>() };

it('deletes what was closed long ago, and every sum stays', async () => {
    const { ledger, compact, file } = opened();
    for (const i of [1, 2, 3]) {
        await ask(ledger, `${i}`, { offer: i < 3 ? 'old offer' : 'offer' });
        await answer(ledger, `${i}`, i);
    }
    await ask(ledger, 'failed');
    await ledger.fail(requestId('failed'), 'node_busy', longAgoMs);
    await ask(ledger, 'young', { atMs: nowMs });
    await answer(ledger, 'young', 4, nowMs);
    const before = [ledger.totals(), ledger.outstandingNano(escrow, 7, paid), ledger.keySpend('k', longAgoMs)];
    expect(await compact()).toEqual({ requests: 4, offers: 1, idempotencyMarks: 0 });
    // The log of writes takes no room any more.
    expect(statSync(`${file}-wal`).size).toBe(0);
    expect([ledger.totals(), ledger.outstandingNano(escrow, 7, paid), ledger.keySpend('k', longAgoMs)]).toEqual(before);
    expect(ledger.list({ limit: 10 }).map(({ requestId: id }) => id)).toEqual([requestId('young')]);
    expect(ledger.request(requestId('young'))!.signedOffer).toEqual(bytes('signed offer'));
    expect([ledger.lastSequence(streamA), ledger.knownFinalsNano(streamA)]).toEqual([4, 20n]);
    expect(await compact()).toEqual({ requests: 0, offers: 0, idempotencyMarks: 0 });
    ledger.close();
});

it('judges the next receipt by what is gone as if it were there', async () => {
    const { ledger, compact } = opened();
    for (const i of [1, 2]) {
        await ask(ledger, `${i}`);
        await answer(ledger, `${i}`, i);
    }
    await compact();
    for (const [label, sequence, cumulative, reason] of [
        ['used', 2, 15n, 'sequence_used'],
        ['below its finals', 3, 14n, 'cumulative_below_finals'],
        ['more than was reserved', 3, 16n, 'cumulative_above_reservations'],
    ] as const) {
        await ask(ledger, label, { atMs: nowMs });
        const wrong = gatewayReceipt({ sequence, cost: 5n, cumulative });
        await expect(ledger.resolve(requestId(label), wrong, nowMs)).rejects.toMatchObject({ context: { reason } });
        await ledger.fail(requestId(label), 'node_wrong', nowMs);
    }
    await ask(ledger, '3', { atMs: nowMs });
    await answer(ledger, '3', 3, nowMs);
    expect(ledger.totals()).toMatchObject({ requests: { final: 3 }, costNano: 15n });
    ledger.close();
});

it('keeps a stream whole while a receipt may come that is older than what would go', async () => {
    const { ledger, compact } = opened();
    await ask(ledger, 'lost');
    await ask(ledger, 'after');
    await answer(ledger, 'after', 2);
    await ledger.lose(requestId('lost'), 'stream_broke', longAgoMs);
    expect(await compact()).toMatchObject({ requests: 0 });
    await ledger.resolve(requestId('lost'), gatewayReceipt({ sequence: 1, cost: 5n, cumulative: 5n }), longAgoMs);
    expect(await compact()).toMatchObject({ requests: 2 });
    ledger.close();
});

it('keeps no stream whole for a request that was made, and lost, after the others were answered', async () => {
    const { ledger, compact } = opened();
    await ask(ledger, 'before');
    await answer(ledger, 'before', 1);
    await ask(ledger, 'lost', { atMs: longAgoMs + 1 });
    await ledger.lose(requestId('lost'), 'stream_broke', longAgoMs + 2);
    expect(await compact()).toMatchObject({ requests: 1 });
    await ledger.resolve(requestId('lost'), gatewayReceipt({ sequence: 2, cost: 5n, cumulative: 10n }), longAgoMs + 3);
    expect(await compact()).toMatchObject({ requests: 1 });
    expect(ledger.totals()).toMatchObject({ requests: { final: 2 }, costNano: 10n });
    ledger.close();
});

it('keeps what its caller may ask for again under an Idempotency-Key', async () => {
    const { ledger, compact } = opened();
    await ask(ledger, 'repeatable', { idempotent: true });
    await answer(ledger, 'repeatable', 1);
    expect(await compact()).toEqual({ requests: 0, offers: 0, idempotencyMarks: 0 });
    expect(ledger.idempotentAttempts(bytes('key'), nowMs)).toHaveLength(1);
    ledger.close();
});

it('looks through any number of requests, a slice at a time', async () => {
    const { ledger } = opened();
    const labels = Array.from({ length: 350 }, (_, i) => `${i + 1}`);
    const funds = { balanceNano: 1n << 60n, paidNano: new Map<string, bigint>() };
    await Promise.all(labels.map((label) => ledger.reserve(reservation(label, 1n, { atMs: longAgoMs, funds }))));
    await Promise.all(labels.slice(50).map((label) => ledger.fail(requestId(label), 'node_busy', longAgoMs)));
    let slices = 0;
    const went = await ledger.compact({ beforeMs: nowMs - 3 * hourMs, pause: async () => void slices++ });
    // Those that are still open were reserved before the others failed.
    expect([went.requests, slices > 3]).toEqual([0, true]);
    await Promise.all(labels.slice(0, 50).map((label) => ledger.fail(requestId(label), 'node_busy', longAgoMs)));
    expect(await ledger.compact({ beforeMs: nowMs - 3 * hourMs })).toMatchObject({ requests: 350 });
    expect(ledger.totals().requests.failed).toBe(350);
    ledger.close();
});

it('waits for no reader, whose end leaves the log to the next time', async () => {
    // Who waited would wait so long.
    const busyTimeoutMs = 30_000;
    const file = path.join(folder, `${files++}.sqlite`);
    const ledger = new GatewayLedger({ file, busyTimeoutMs });
    await ask(ledger, 'old');
    const reader = openDatabase({ file });
    reader.exec('BEGIN; SELECT count(*) FROM gateway_requests');
    await ledger.fail(requestId('old'), 'node_busy', longAgoMs);
    const startedMs = performance.now();
    expect(await ledger.compact({ beforeMs: nowMs - 3 * hourMs })).toMatchObject({ requests: 1 });
    expect(performance.now() - startedMs).toBeLessThan(busyTimeoutMs);
    expect(statSync(`${file}-wal`).size).toBeGreaterThan(0);
    reader.exec('COMMIT');
    await ledger.compact({ beforeMs: nowMs - 3 * hourMs });
    expect(statSync(`${file}-wal`).size).toBe(0);
    // A writer that has the file still makes the ledger wait.
    const { database } = ledger as unknown as { database: ReturnType<typeof openDatabase> };
    expect(database.prepare('PRAGMA busy_timeout').get()).toEqual({ timeout: busyTimeoutMs });
    reader.close();
    ledger.close();
});
