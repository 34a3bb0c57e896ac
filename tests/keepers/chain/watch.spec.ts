import fc from 'fast-check';
import type { Clock } from '../../../keepers/base';
import { ChainClient, type ChainError, type Cursor, type CursorStore, watchTransactions } from '../../../keepers/chain';
import { modelAddress, modelExchange, type ModelFault, type ModelTransaction, nextTransaction } from './model-account';

/** Time that passes when somebody waits. */
class WaitedClock implements Clock {
    private ms = 1_800_000_000_000;
    constructor(private readonly onWait: () => void) {}
    nowMs = () => this.ms;
    monotonicMs = () => this.ms;
    sleep = async (delayMs: number, signal?: AbortSignal) => {
        signal?.throwIfAborted();
        this.ms += delayMs;
        this.onWait();
        await new Promise((resolve) => setImmediate(resolve));
    };
}

const hosts = ['http://127.0.0.1:1001', 'http://127.0.0.1:1002', 'http://127.0.0.1:1003'];

interface Run {
    endpoints: number;
    /** For each wait: how many transactions happen. */
    growth: number[];
    /** For each page asked of each endpoint: what it does; then it is honest. */
    faults: ModelFault[][];
    confirmations: number;
    /** Stop after so many deliveries, and start again from the stored cursor. */
    restartAfter: number;
}

/** Watches until everything was delivered; resolves to what was, and what ended it if that was an error. */
async function watch(run: Run): Promise<{ history: ModelTransaction[]; delivered: string[]; error?: ChainError }> {
    const history: ModelTransaction[] = [];
    const fork: ModelTransaction[] = [];
    let seqno = 100;
    let step = 0;
    const grow = () => {
        seqno += 1;
        for (let i = run.growth[step++] ?? 0; i > 0; i--) {
            history.push(nextTransaction(history.at(-1), BigInt(history.length + 1) * 10n));
            fork.push(nextTransaction(fork.at(-1), BigInt(fork.length + 1) * 10n + 1n));
        }
    };
    grow();
    const clock = new WaitedClock(grow);
    const pending = run.faults.map((list) => [...list]);
    const exchange = modelExchange({
        history: () => history,
        fork: () => fork,
        seqno: () => seqno,
        fault: (host) => {
            const fault = pending[Number(host.at(-1)) - 1]?.shift() ?? 'none';
            return fault === 'fork' && run.endpoints === 1 ? 'none' : fault;
        },
    });
    let stored: Cursor | null = null;
    const store: CursorStore = { load: async () => stored, save: async (cursor) => void (stored = cursor) };
    const delivered: string[] = [];
    const isDone = () => step >= run.growth.length && delivered.length >= history.length;
    try {
        for (let starts = 0; starts < 50; starts++) {
            const abort = new AbortController();
            const client = new ChainClient({
                endpoints: hosts.slice(0, run.endpoints),
                exchange,
                clock,
                random: () => 0,
            });
            const options = { fromLt: 0n, pollIntervalMs: 2_000, pageSize: 6, store, clock, signal: abort.signal };
            let polls = 0;
            const onTrouble = () => void ((polls += 1) > 2_000 && abort.abort());
            const { confirmations } = run;
            const seen = watchTransactions(client, modelAddress, { ...options, confirmations, onTrouble });
            const until = delivered.length + run.restartAfter;
            for await (const transaction of seen) {
                delivered.push(transaction.hash().toString('hex'));
                if (isDone() || delivered.length >= until) break;
                if (delivered.length > history.length) break;
            }
            // A break in the loop ends the generator before its last delivery is saved: a crash there delivers it again.
            if (isDone()) break;
            if (stored !== null)
                delivered.length = history.findIndex(({ transaction }) => transaction.lt === stored!.lt) + 1;
            else delivered.length = 0;
        }
        return { history, delivered };
    } catch (error) {
        return { history, delivered, error: error as ChainError };
    }
}

const faultsOf = (...faults: ModelFault[]) => fc.array(fc.constantFrom(...faults), { maxLength: 8 });
const anyFault = faultsOf('none', 'error', 'html', 'stale', 'missing', 'reordered', 'duplicated', 'cut');
/** Another history, whole in itself: at one endpoint of several, since a lie that all tell alike is the truth to anyone. */
const forging = faultsOf('none', 'fork', 'error', 'missing');

const runs = fc.record({
    endpoints: fc.integer({ min: 1, max: 3 }),
    growth: fc.array(fc.integer({ min: 0, max: 9 }), { minLength: 1, maxLength: 4 }).map((list) => [4, ...list, 1]),
    faults: fc.tuple(fc.oneof(anyFault, forging), anyFault, anyFault),
    confirmations: fc.integer({ min: 0, max: 3 }),
    restartAfter: fc.integer({ min: 3, max: 30 }),
});

it('a watcher delivers each transaction once and in order, or reports the gap, whatever its endpoints do', async () => {
    await fc.assert(
        fc.asyncProperty(runs, async (run) => {
            const { history, delivered, error } = await watch(run);
            const expected = history.map(({ cell }) => cell.hash().toString('hex'));
            if (error === undefined) expect(delivered).toEqual(expected);
            else expect(error.code).toBe('history_gap');
            expect(delivered).toEqual(expected.slice(0, delivered.length));
        }),
        { numRuns: 25 },
    );
});
