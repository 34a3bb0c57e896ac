import { Address, Dictionary, internal, type Message } from '@ton/core';
import { ManualClock } from '../../../keepers/base';
import { ChainClient } from '../../../keepers/chain';
import { ShortCache } from '../../../keepers/chain/short-cache';
import { walkTrace } from '../../../keepers/chain/trace';
import { modelAddress, nextTransaction } from './model-account';

const dayMs = 86_400_000;

/** A transaction that sends one message on. */
function sending() {
    const outMessages = Dictionary.empty<number, Message>(Dictionary.Keys.Uint(15));
    const { info, ...message } = internal({ to: modelAddress, value: 1n, bounce: false });
    outMessages.set(0, { ...message, info: { ...info, src: modelAddress } });
    return { ...nextTransaction(undefined, 1n).transaction, outMessages };
}

it('an answer that is remembered for seconds goes after them, also when the clock was set back meanwhile', async () => {
    const clock = new ManualClock(100 * dayMs);
    const cache = new ShortCache({ maxAgeMs: 5_000, clock });
    let isAdmitted = true;
    const read = () => cache.get('node', async () => isAdmitted);
    expect(await read()).toBe(true);
    clock.setBy(-dayMs);
    isAdmitted = false;
    clock.advance(5_000);
    expect(await read()).toBe(false);
});

it('an endpoint that failed often is asked again after its pause, also when the clock was set back meanwhile', async () => {
    const clock = new ManualClock(100 * dayMs);
    let asked = 0;
    const exchange = async () => (asked++, { status: 500, retryAfter: null, text: '{"ok":false}' });
    const client = new ChainClient({ endpoints: ['https://public.example/jsonRPC'], clock, exchange, attempts: 1 });
    const ask = () => client.getAccount(new Address(0, Buffer.alloc(32))).catch(() => undefined);
    for (let i = 0; i < 12; i++) {
        await ask();
        clock.advance(1_000);
    }
    clock.setBy(-dayMs);
    clock.advance(5_000);
    const before = asked;
    await ask();
    expect(asked).toBe(before + 1);
});

it('a trace whose next transaction nobody shows is given up on in time, also when the clock is set back meanwhile', async () => {
    const clock = new ManualClock(100 * dayMs);
    const silent = { getTransactions: async () => [] } as unknown as ChainClient;
    let isOver = false;
    const walk = walkTrace(silent, sending(), { timeoutMs: 90_000, pollIntervalMs: 2_000, clock });
    void walk.then(() => (isOver = true));
    for (let passedMs = 0; !isOver && passedMs < 100_000; passedMs += 2_000) {
        await new Promise((resolve) => setImmediate(resolve));
        if (passedMs === 10_000) clock.setBy(-3_600_000);
        clock.advance(2_000);
    }
    expect(isOver).toBe(true);
    expect((await walk).complete).toBe(false);
});
