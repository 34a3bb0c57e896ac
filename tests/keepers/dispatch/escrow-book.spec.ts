import { ManualClock } from '../../../keepers/base';
import { EscrowBook, type EscrowAccount } from '../../../keepers/dispatch';
import { account, escrow } from './sealed-request';

function bookOf(answers: (() => Promise<EscrowAccount | null>)[], options: { maxEntries?: number } = {}) {
    const clock = new ManualClock(1_000_000);
    let reads = 0;
    const read = jest.fn(() => answers[Math.min(reads++, answers.length - 1)]!());
    return { clock, read, book: new EscrowBook({ read, clock, maxAgeMs: 5_000, ...options }) };
}

const open = async () => account();

test('an answer serves until it is too old', async () => {
    const { book, clock, read } = bookOf([open, async () => account({ balanceNano: 1n })]);
    await book.get(escrow);
    clock.advance(5_000);
    expect((await book.get(escrow))!.balanceNano).toBe(10_000_000n);
    clock.advance(1);
    expect((await book.get(escrow))!.balanceNano).toBe(1n);
    expect(read).toHaveBeenCalledTimes(2);
});

test('an answer is too old in its time, also when the clock was set back meanwhile', async () => {
    const { book, clock, read } = bookOf([open]);
    await book.get(escrow);
    clock.setBy(-3_600_000);
    clock.advance(5_001);
    await book.get(escrow);
    expect(read).toHaveBeenCalledTimes(2);
});

test('readers of one escrow share one call, also those that want a fresh answer', async () => {
    const { book, read } = bookOf([open]);
    await Promise.all([book.get(escrow), book.get(escrow), book.get(escrow, 0)]);
    expect(read).toHaveBeenCalledTimes(1);
});

test('asking for fresh answers reads the chain again, but never faster than four times a second', async () => {
    const { book, clock, read } = bookOf([open]);
    for (let elapsedMs = 0; elapsedMs < 2_000; elapsedMs += 10) {
        await book.get(escrow, 0);
        clock.advance(10);
    }
    expect(read.mock.calls.length).toBeGreaterThan(3);
    expect(read.mock.calls.length).toBeLessThanOrEqual(8);
});

test('a failed read is forgotten at once', async () => {
    const { book, read } = bookOf([() => Promise.reject(new Error('no chain')), open]);
    await expect(book.get(escrow)).rejects.toThrow('no chain');
    expect(await book.get(escrow)).not.toBeNull();
    expect(read).toHaveBeenCalledTimes(2);
});

test('a failure of an older read does not forget a newer one', async () => {
    let failFirst!: (error: Error) => void;
    const first = () => new Promise<null>((_resolve, reject) => (failFirst = reject));
    const { book, clock, read } = bookOf([first, open]);
    const old = book.get(escrow);
    clock.advance(5_001);
    await book.get(escrow);
    failFirst(new Error('late'));
    await expect(old).rejects.toThrow('late');
    await book.get(escrow);
    expect(read).toHaveBeenCalledTimes(2);
});

test('that an escrow does not exist is remembered too', async () => {
    const { book, read } = bookOf([async () => null]);
    expect(await book.get(escrow)).toBeNull();
    expect(await book.get(escrow)).toBeNull();
    expect(read).toHaveBeenCalledTimes(1);
});

test('it holds a bounded number of escrows, the oldest read going first', async () => {
    const { book, read } = bookOf([open], { maxEntries: 2 });
    const [a, b, c] = [1, 2, 3].map((byte) => Buffer.alloc(32, byte)) as [Buffer, Buffer, Buffer];
    for (const id of [a, b, c, b, c]) await book.get(id);
    expect(read).toHaveBeenCalledTimes(3);
    await book.get(a);
    expect(read).toHaveBeenCalledTimes(4);
});

test('forget makes the next reader ask the chain', async () => {
    const { book, read } = bookOf([open]);
    await book.get(escrow);
    book.forget(escrow);
    await book.get(escrow);
    expect(read).toHaveBeenCalledTimes(2);
});

describe('a flood of escrows that are none', () => {
    const none = (byte: number) => {
        const id = Buffer.alloc(32, 0xee);
        id.writeUInt32BE(byte);
        return id;
    };

    /** A chain that answers when the test says so. */
    function slowChain() {
        const clock = new ManualClock(1_000_000);
        const open: { id: Buffer; answer: (account: EscrowAccount | null) => void }[] = [];
        const read = (id: Buffer) =>
            new Promise<EscrowAccount | null>((answer) => open.push({ id: Buffer.from(id), answer }));
        return { clock, open, book: new EscrowBook({ read, clock, maxAgeMs: 5_000 }) };
    }

    const tick = () => new Promise((resolve) => setImmediate(resolve));

    test('asks the chain a few at a time, and no known escrow waits behind them', async () => {
        const { book, open, clock } = slowChain();
        const first = book.get(escrow);
        await tick();
        open.shift()!.answer(account());
        await first;
        clock.advance(5_001);
        const lost = Array.from({ length: 100 }, (_, index) => book.get(none(index)));
        await tick();
        expect(open.length).toBeLessThanOrEqual(6);
        const renewed = book.get(escrow);
        const asked = open.find(({ id }) => id.equals(escrow))!;
        asked.answer(account({ balanceNano: 7n }));
        expect(await renewed).toMatchObject({ balanceNano: 7n });
        for (let left = 101; left > 0; left--) {
            open.shift()?.answer(null);
            await tick();
        }
        expect(await Promise.all(lost)).toEqual(lost.map(() => null));
    });

    test('is refused where too many wait, and what is known of an escrow serves then though a fresh answer was asked for', async () => {
        const { book, open, clock } = slowChain();
        const first = book.get(escrow);
        await tick();
        open.shift()!.answer(account({ balanceNano: 3n }));
        await first;
        clock.advance(1_000);
        for (let index = 0; index < 262; index++) void book.get(none(index));
        await expect(book.get(none(1_000))).rejects.toThrow('too many escrows');
        expect(await book.get(escrow, 0)).toMatchObject({ balanceNano: 3n });
        expect(open.some(({ id }) => id.equals(escrow))).toBe(false);
    });
});
