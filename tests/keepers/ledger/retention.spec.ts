import path from 'node:path';
import { createLogger, ManualClock } from '../../../keepers/base';
import { openOutboxFile, RetentionJob } from '../../../keepers/ledger';
import { openNewLedger } from '../../support/new-ledger';
import { requestId } from './ledger-records';
import { network, signedCap, signedReceipt, signedStream } from './signed-records';
import { temporaryFolder } from './temporary-folder';

const folder = temporaryFolder();
const hourMs = 3_600_000;
const logger = createLogger({ name: 'retention', level: 'silent' });
const noPause = async () => undefined;

describe("a dispatcher's ledger", () => {
    /** Receipts 1 to 250 of ten nanoTON each, all paid; the last ten are young. */
    async function filled() {
        const ledger = await openNewLedger(folder);
        const receipts = Array.from({ length: 250 }, (_, i) => i + 1);
        await Promise.all(
            receipts.map((i) => ledger.recordCap({ ...signedCap(`${i}`, BigInt(i) * 10n, 10n), ...plenty })),
        );
        for (const i of receipts)
            await ledger.recordReceipt(
                signedReceipt(`${i}`, {
                    sequence: i,
                    cost: 10n,
                    cumulative: BigInt(i) * 10n,
                    receivedAtMs: i > 240 ? Date.now() : 2,
                }),
            );
        await ledger.recordPaid(signedStream, { paidNano: 2_500n, atMs: 9 });
        return ledger;
    }
    const plenty = { funds: { balanceNano: 1n << 60n, paidNano: new Map<string, bigint>() } };

    it('is looked through in slices, after each of which others have their turn, and its audit still balances', async () => {
        const ledger = await filled();
        const totals = await ledger.totals();
        const rests: number[] = [];
        const pause = async (tookMs: number) => void rests.push(tookMs);
        expect(await ledger.upkeep.compact(Date.now() - 3 * hourMs, { pause })).toMatchObject({
            receipts: 240,
            requests: 240,
            settlements: 1,
        });
        expect(rests.length).toBeGreaterThan(4);
        expect(await ledger.totals()).toEqual(totals);
        expect(await ledger.upkeep.audit(network)).toMatchObject({ ok: true, receipts: 10, requests: 10 });
        expect(await ledger.hasRequest(requestId('240'))).toBe(false);
        expect(await ledger.hasRequest(requestId('241'))).toBe(true);
    });

    it('is told from one whose sums of what is gone were changed', async () => {
        const ledger = await filled();
        await ledger.upkeep.compact(Date.now() - 3 * hourMs);
        const { store } = ledger as unknown as {
            store: {
                transaction(act: (sql: { run(text: string): Promise<number> }) => Promise<number>): Promise<void>;
            };
        };
        await store.transaction((sql) => sql.run('UPDATE dispatch_streams SET compacted_cost_nano = 2401'));
        expect((await ledger.upkeep.audit(network)).problems).toEqual([
            'stream 1: its final receipts cost 2501, its sum is 2500',
        ]);
    });
});

describe('an outbox', () => {
    const wallet = '0:aa';
    const nowMs = Date.now();
    const intent = { kind: 'settle', owner: wallet, payload: '{}' };

    it('forgets what is done, and neither what was spent of a day, nor a last slot, nor what went wrong', async () => {
        const { outbox, compact, close } = openOutboxFile({ file: path.join(folder, 'outbox.sqlite') });
        for (const [n, errorCode] of [
            [1, null],
            [2, 'lines_skipped'],
            [3, null],
            [4, null],
        ] as const) {
            const atMs = nowMs - 5 * hourMs + n;
            const { id } = await outbox.record({ ...intent, key: `${n}`, atMs });
            const signed = { slot: BigInt(n), bodyHash: Buffer.alloc(32), boc: Buffer.alloc(9), estimatedFeeNano: 10n };
            const times = { validUntilSec: 1, signedAtSec: 0, sinceLt: 0n, atMs };
            const send = await outbox.recordSend({ wallet, ...signed, ...times, intentIds: [id] });
            await outbox.closeSend(send.id, { fate: 'executed', transactionHash: 'ab', atMs });
            if (n < 4) await outbox.close(id, { state: 'confirmed', errorCode, atMs });
        }
        expect(await compact(nowMs - 3 * hourMs, noPause)).toBe(2);
        expect(await outbox.spentNano(wallet, nowMs - 24 * hourMs)).toBe(40n);
        expect(await outbox.spentNano(wallet, nowMs - 3 * hourMs)).toBe(0n);
        expect(await outbox.lastSlot(wallet)).toBe(4n);
        expect(await outbox.closed('settle', { state: 'confirmed', sinceMs: 0 })).toMatchObject([{ key: '2' }]);
        expect(await outbox.open('settle')).toMatchObject([{ key: '4' }]);
        // Again, nothing is counted twice.
        expect(await compact(nowMs - 3 * hourMs, noPause)).toBe(0);
        expect(await outbox.spentNano(wallet, nowMs - 24 * hourMs)).toBe(40n);
        await close();
    });
});

describe('the job', () => {
    const turn = () => new Promise((resolve) => setImmediate(resolve));

    it('comes to it soon after a start and now and then, goes on after a failure, and tells what went', async () => {
        const clock = new ManualClock(100 * hourMs);
        const asked: number[] = [];
        let fails = true;
        const compact = async (beforeMs: number) => {
            asked.push(beforeMs);
            if (fails) throw new Error('the disk is full');
            return { receipts: 3 };
        };
        const job = new RetentionJob({ retentionMs: 48 * hourMs, compact, clock, logger });
        job.start();
        await turn();
        expect(asked).toEqual([]);
        clock.advance(60_000);
        await turn();
        expect([asked, job.problem, job.lastRunAtMs]).toEqual([[52 * hourMs + 60_000], 'the disk is full', null]);
        fails = false;
        clock.advance(hourMs);
        await turn();
        expect([asked.length, job.problem, job.lastRunAtMs]).toEqual([2, null, 101 * hourMs + 60_000]);
        expect([...job.deleted]).toEqual([['receipts', 3]]);
        await job.stop();
    });

    it('ends between two slices when it is stopped', async () => {
        const clock = new ManualClock(100 * hourMs);
        let slices = 0;
        const job = new RetentionJob({
            retentionMs: 2 * hourMs,
            compact: async (_beforeMs, pause) => {
                for (;;) {
                    slices++;
                    await pause(1);
                }
            },
            clock,
            logger,
        });
        const running = job.runOnce();
        await turn();
        await job.stop();
        await running;
        expect(slices).toBeGreaterThan(0);
        expect(job.problem).toBeNull();
    });
});
