import { Writable } from 'node:stream';
import fc from 'fast-check';
import {
    ceilDiv,
    CocoonError,
    createLogger,
    formatTon,
    ManualClock,
    parseTon,
    retry,
    sleep,
    systemClock,
} from '../../../keepers/base';

describe('amounts', () => {
    test('parse and format are exact inverses', () => {
        const nano = fc.bigInt(-(10n ** 20n), 10n ** 20n);
        fc.assert(fc.property(nano, (amount) => parseTon(formatTon(amount)) === amount));
    });

    test('formatting shows the shortest exact text', () => {
        const texts = [0n, 1n, 1_250_000_000n, -500_000_000n, 1_000_000_000n].map(formatTon);
        expect(texts).toEqual(['0', '0.000000001', '1.25', '-0.5', '1']);
    });

    test.each(['', '1.', '.5', '1e9', '1,5', '0x1', '1.0000000001', '--1', '1 TON', 'NaN'])(
        '"%s" is refused',
        (text) => {
            expect(() => parseTon(text)).toThrow(
                expect.objectContaining({ code: 'amount_invalid', action: 'fix' }) as Error,
            );
        },
    );

    test('a division is rounded up and never by a whole unit', () => {
        const natural = fc.bigInt(0n, 10n ** 30n);
        fc.assert(
            fc.property(natural, fc.bigInt(1n, 10n ** 15n), (dividend, divisor) => {
                const quotient = ceilDiv(dividend, divisor);
                return quotient * divisor >= dividend && (quotient - 1n) * divisor < dividend;
            }),
        );
    });
});

describe('clocks', () => {
    test('sleepers of a manual clock wake in the order of their times, and only then', async () => {
        const clock = new ManualClock(1_000);
        const woken: number[] = [];
        for (const delayMs of [30, 10, 20]) void clock.sleep(delayMs).then(() => woken.push(delayMs));
        clock.advance(25);
        await Promise.resolve();
        expect(woken).toEqual([10, 20]);
        expect(clock.nowMs()).toBe(1_025);
    });

    test.each([
        ['the system clock', systemClock],
        ['a manual clock', new ManualClock(0)],
    ])('a sleep of %s ends at once, with the reason, when it is aborted', async (_name, clock) => {
        const controller = new AbortController();
        const asleep = clock.sleep(60_000, controller.signal);
        controller.abort(new Error('enough'));
        await expect(asleep).rejects.toThrow('enough');
        await expect(clock.sleep(60_000, controller.signal)).rejects.toThrow('enough');
    });

    test('a finished sleep leaves no listener on its signal', async () => {
        const controller = new AbortController();
        const remove = jest.spyOn(controller.signal, 'removeEventListener');
        await sleep(1, controller.signal);
        expect(remove).toHaveBeenCalledWith('abort', expect.any(Function));
    });
});

describe('retry', () => {
    const busy = new CocoonError('busy', 'later', { action: 'retry' });
    const wrong = new CocoonError('wrong', 'never', { action: 'fix' });

    /** Sleeps are noted instead of slept. */
    function options(attempts = 4) {
        const slept: number[] = [];
        const clock = { ...systemClock, sleep: async (ms: number) => void slept.push(ms) };
        return { slept, options: { attempts, firstDelayMs: 100, maxDelayMs: 300, clock, random: () => 1 } };
    }

    test('tries again with growing, bounded delays until it succeeds', async () => {
        const { slept, options: given } = options();
        const act = jest.fn(async (attempt: number) => {
            if (attempt < 4) throw busy;
            return attempt;
        });
        expect(await retry(act, given)).toBe(4);
        expect(slept).toEqual([100, 200, 300]);
    });

    test('throws the last error when the attempts are used up', async () => {
        const act = jest.fn(() => Promise.reject(busy));
        await expect(retry(act, options(3).options)).rejects.toBe(busy);
        expect(act).toHaveBeenCalledTimes(3);
    });

    test('does not repeat what cannot help', async () => {
        for (const error of [wrong, new Error('plain')]) {
            const act = jest.fn(() => Promise.reject(error));
            await expect(retry(act, options().options)).rejects.toBe(error);
            expect(act).toHaveBeenCalledTimes(1);
        }
    });

    test('waits between half and all of a delay, so that callers spread', async () => {
        await fc.assert(
            fc.asyncProperty(fc.double({ min: 0, max: 1, noNaN: true }), async (random) => {
                const { slept, options: given } = options(2);
                await retry(() => Promise.reject(busy), { ...given, random: () => random }).catch(() => undefined);
                expect(slept[0]).toBeGreaterThanOrEqual(50);
                expect(slept[0]).toBeLessThanOrEqual(100);
            }),
        );
    });

    test('stops when aborted', async () => {
        const controller = new AbortController();
        const act = jest.fn(async () => {
            controller.abort();
            throw busy;
        });
        await expect(retry(act, { ...options().options, signal: controller.signal })).rejects.toBe(busy);
        expect(act).toHaveBeenCalledTimes(1);
    });
});

describe('logs', () => {
    function logged(...args: [object, string]): string {
        let text = '';
        const destination = new Writable({
            write: (chunk: Buffer, _encoding, done) => {
                text += chunk.toString();
                done();
            },
        });
        createLogger({ name: 'test', destination }).info(...args);
        return text;
    }

    test.each(['mnemonic', 'secretKey', 'privateKey', 'seed', 'authorization', 'apiKey', 'prompt', 'messages', 'body'])(
        'the value of "%s" never shows, up to two levels deep',
        (field) => {
            const text = logged(
                { [field]: 'swordfish', a: { [field]: 'swordfish', b: { [field]: ['swordfish'] } }, kept: 'shown' },
                'event',
            );
            expect(text).not.toContain('swordfish');
            expect(text).toContain('shown');
        },
    );

    test('lines are JSON with an ISO time and the process’s name', () => {
        const line = JSON.parse(logged({}, 'event')) as Record<string, unknown>;
        expect(line).toMatchObject({ name: 'test', msg: 'event' });
        expect(new Date(line['time'] as string).getTime()).not.toBeNaN();
    });
});
