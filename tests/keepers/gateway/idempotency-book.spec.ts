import { ManualClock, silentLogger } from '../../../keepers/base';
import type { AnswerSink } from '../../../keepers/gateway/answer-sink';
import { IdempotencyBook, type Work } from '../../../keepers/gateway/idempotency/idempotency-book';
import { IdempotencyKeys } from '../../../keepers/gateway/idempotency/idempotency-keys';
import type { IdempotentAttempt } from '../../../keepers/ledger';

/** A book that may hold a hundred bytes; every question it is asked has been paid for. */
function bookOf100Bytes() {
    const paid: IdempotentAttempt = {
        requestId: Buffer.alloc(16),
        fingerprint: Buffer.alloc(32),
        state: 'final',
        costNano: 1n,
    };
    const asked = new Map<string, Buffer>();
    const book = new IdempotencyBook({
        ledger: {
            idempotentAttempts: (keyHash) => {
                const fingerprint = asked.get(keyHash.toString('hex'));
                return fingerprint === undefined ? [] : [{ ...paid, fingerprint }];
            },
            keepAnswer: () => Promise.reject(new Error('nothing is kept here')),
            keptAnswer: () => undefined,
        },
        keys: new IdempotencyKeys(Buffer.alloc(32)),
        clock: new ManualClock(0),
        logger: silentLogger(),
        maxBytes: 100,
    });
    const sink = { head: () => undefined, write: () => undefined, end: () => undefined } as AnswerSink;
    const gone = new AbortController().signal;
    const ask = (key: string, work: Work) => {
        const question = { key, caller: '', callerIsSecret: false, path: '/', body: Buffer.alloc(0) };
        const marked: Work = (tape, mark, stop) => {
            asked.set(mark.keyHash.toString('hex'), mark.fingerprint);
            return work(tape, mark, stop);
        };
        return book.serve(question, marked, { sink, gone });
    };
    return { ask };
}

/** Writes so many bytes, then waits to be ended. */
function running(bytes: number) {
    let end!: () => void;
    const ended = new Promise<void>((resolve) => (end = resolve));
    const work: Work = async (tape) => {
        tape.head(200, {});
        void tape.write(Buffer.alloc(bytes));
        await ended;
        tape.end();
    };
    return { work, end };
}

const never: Work = () => Promise.reject(new Error('asked anew'));

test('an answer under way counts: it pushes ended ones out of memory, the oldest first', async () => {
    const { ask } = bookOf100Bytes();
    for (const key of ['old', 'new']) {
        const { work, end } = running(40);
        end();
        await ask(key, work);
    }
    const { work, end } = running(30);
    const answered = ask('long', work);
    await ask('new', never);
    await expect(ask('old', never)).rejects.toMatchObject({ code: 'idempotency_answer_gone', status: 410 });
    end();
    await answered;
});

test('while answers under way fill the memory by themselves, no further key is taken', async () => {
    const { ask } = bookOf100Bytes();
    const { work, end } = running(100);
    const answered = ask('long', work);
    await expect(ask('next', never)).rejects.toMatchObject({ code: 'capacity_exhausted', status: 429 });
    end();
    await answered;
    const next = running(1);
    next.end();
    await ask('next', next.work);
});
