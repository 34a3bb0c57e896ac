import fc from 'fast-check';
import { ManualClock } from '../../../keepers/base';
import { retryAfterMs } from '../../../keepers/chain/endpoints/answer-errors';
import { resolveEndpoint } from '../../../keepers/chain/endpoints/endpoint-settings';
import { RequestBudget } from '../../../keepers/chain/endpoints/request-budget';

const startMs = 1_800_000_000_000;

/** When each of `count` requests that come at once gets its turn, in milliseconds from the start. */
async function turns(perSecond: number, count: number): Promise<number[]> {
    const clock = new ManualClock(startMs);
    const budget = new RequestBudget({ perSecond, clock });
    const taken: number[] = [];
    for (let i = 0; i < count; i++) {
        void budget.take({ deadlineAtMs: Infinity }).then(() => taken.push(clock.nowMs() - startMs));
    }
    for (let ms = 0; ms <= (count / perSecond) * 1_000 + 1_000; ms += 10) {
        clock.advance(10);
        await Promise.resolve();
        await Promise.resolve();
    }
    return taken;
}

it('no second holds more requests than allowed, but for what was saved up before', async () => {
    await fc.assert(
        fc.asyncProperty(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 1, max: 30 }), async (rate, count) => {
            const taken = await turns(rate, count);
            expect(taken).toHaveLength(count);
            // The bucket was full at the start: after it, one for each interval.
            taken.forEach((atMs, i) => expect(atMs).toBeGreaterThanOrEqual(((i - rate + 1) * 1_000) / rate - 10));
        }),
        { numRuns: 30 },
    );
});

it('with one a second the second waits a second', async () => {
    expect((await turns(1, 3)).map((ms) => Math.round(ms / 1_000))).toEqual([0, 1, 2]);
});

it('refuses at once what would come after its deadline, and gives its turn to nobody else', async () => {
    const clock = new ManualClock(startMs);
    const budget = new RequestBudget({ perSecond: 1, clock });
    await budget.take({ deadlineAtMs: 0 });
    await expect(budget.take({ deadlineAtMs: 500 })).rejects.toMatchObject({ code: 'rpc_rate_limited' });
    const next = budget.take({ deadlineAtMs: 1_000 });
    clock.advance(1_000);
    await next;
});

it('keeps its pace when the clock is set back a day: no turn waits for that day to pass again', async () => {
    const clock = new ManualClock(startMs);
    const budget = new RequestBudget({ perSecond: 1, clock });
    await budget.take({ deadlineAtMs: 0 });
    clock.setBy(-86_400_000);
    clock.advance(1_000);
    await budget.take({ deadlineAtMs: 1_000 });
});

it('is silent for as long as the endpoint asks, also for those who wait already', async () => {
    const clock = new ManualClock(startMs);
    const budget = new RequestBudget({ perSecond: null, clock });
    budget.silence(5_000);
    const waiting = budget.take({ deadlineAtMs: 6_000 });
    await expect(budget.take({ deadlineAtMs: 4_000 })).rejects.toMatchObject({ code: 'rpc_rate_limited' });
    clock.advance(5_000);
    await waiting;
});

it.each([
    ['5', 5_000],
    ['0', 1_000],
    ['86400', 60_000],
    [null, 1_000],
    ['soon', 1_000],
    [new Date(startMs + 7_000).toUTCString(), 7_000],
])('reads Retry-After %s', (header, expected) => {
    expect(retryAfterMs(header, startMs)).toBe(expected);
});

it.each([
    ['https://toncenter.com/api/v2/jsonRPC', undefined, 1, 'toncenter.com'],
    ['https://toncenter.com/api/v2/jsonRPC', 'key', 10, 'toncenter.com'],
    ['https://toncenter.com:8443/x', undefined, 1, 'toncenter.com'],
    ['http://127.0.0.1:8081/api/v2/jsonRPC', undefined, null, '127.0.0.1:8081'],
    ['http://10.1.2.3/rpc', undefined, null, '10.1.2.3'],
    ['http://lite/rpc', undefined, null, 'lite'],
])('%s with key %s has its rate and operator', (url, apiKey, requestsPerSecond, operator) => {
    expect(resolveEndpoint({ url, apiKey })).toMatchObject({ requestsPerSecond, operator });
});
