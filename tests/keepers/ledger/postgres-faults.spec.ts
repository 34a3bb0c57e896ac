import { setTimeout as sleep } from 'node:timers/promises';
import { type DispatchLedger, LedgerError, openDispatchLedger } from '../../../keepers/ledger';
import { PostgresServer } from '../../support/postgres/postgres-server';
import { onPostgres } from '../../support/new-ledger';
import { cap, funds, receipt, requestId } from './ledger-records';
import { bytes } from './record-bytes';

/** They start a server of their own, so only `npm run test:postgres` runs them. */
const suite = onPostgres ? describe : describe.skip;
const plenty = funds(1n << 60n);

interface Lane {
    acknowledged: string[];
    refusals: string[];
}

/** Writes until told to stop. What is refused as busy or unreachable is not tried again: the next request is. */
async function work(ledger: DispatchLedger, name: string, signal: AbortSignal): Promise<Lane> {
    const lane: Lane = { acknowledged: [], refusals: [] };
    const nodeKey = bytes(name);
    for (let i = 1; !signal.aborted; i++) {
        const label = `${name} ${i}`;
        try {
            const sum = BigInt(i) * 5n;
            await ledger.recordCap(cap(label, sum, { nodeKey, worstCaseNano: 5n, funds: plenty }));
            const outcome = await ledger.recordReceipt(
                receipt(label, { sequence: i, cost: 5n, cumulative: sum, nodeKey }),
            );
            if (outcome === 'recorded') lane.acknowledged.push(label);
            else lane.refusals.push(outcome);
        } catch (error) {
            lane.refusals.push(error instanceof LedgerError ? error.code : String(error));
        }
    }
    return lane;
}

suite('a PostgreSQL that fails', () => {
    let server: PostgresServer;
    let ledger: DispatchLedger;
    beforeAll(async () => {
        server = await PostgresServer.start();
        ledger = await openDispatchLedger({ ...(await server.database()), patienceMs: 60_000 });
    });
    afterAll(async () => {
        await ledger.close();
        await server.stop();
    });

    async function duringWork(name: string, disturb: () => Promise<unknown>): Promise<Lane[]> {
        const stop = new AbortController();
        const lanes = Array.from({ length: 16 }, (_, i) => work(ledger, `${name} ${i}`, stop.signal));
        for (let i = 0; i < 5; i++) {
            await sleep(100 + Math.random() * 200);
            await disturb();
        }
        await sleep(300);
        stop.abort();
        return Promise.all(lanes);
    }

    async function expectKept(lanes: Lane[]): Promise<void> {
        // A transaction whose answer was lost would show as a replay, or as a receipt that is known, when it is done again.
        expect(lanes.flatMap(({ refusals }) => refusals)).toEqual([]);
        const labels = lanes.flatMap(({ acknowledged }) => acknowledged);
        expect(labels.length).toBeGreaterThan(50);
        const states = await Promise.all(
            labels.map(async (label) => (await ledger.requestState(requestId(label)))?.state),
        );
        expect(new Set(states)).toEqual(new Set(['final']));
    }

    it('and recovers loses nothing that was acknowledged, and does nothing twice', async () => {
        const crash = async () => {
            await server.down('crash');
            await server.up();
        };
        await expectKept(await duringWork('crash', crash));
    });

    it('cuts connections in mid-batch: each transaction is kept once', async () => {
        const cut = () =>
            server.query(
                'postgres',
                `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'cocoon ledger'`,
            );
        await expectKept(await duringWork('cut', cut));
        const { finalReceipts, costNano } = await ledger.totals();
        expect(costNano).toBe(BigInt(finalReceipts) * 5n);
    });

    it('says that it is unreachable when patience ends, and works again after that', async () => {
        const options = await server.database();
        const hasty = await openDispatchLedger({ ...options, patienceMs: 100 });
        await server.down();
        await expect(hasty.recordCap(cap('1', 5n))).rejects.toMatchObject({
            code: 'ledger_unavailable',
            action: 'retry',
        });
        await server.up();
        await hasty.recordCap(cap('2', 5n));
        await hasty.close();
    });
});
