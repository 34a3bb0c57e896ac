import type { Clock } from '../../base';
import type { GatewayLedger, IdempotencyMark, IdempotentAttempt } from '../../ledger';
import type { AnswerSink } from '../answer-sink';
import { GatewayError } from '../errors';
import { AnswerTape } from './answer-tape';
import type { IdempotencyKeys, KeyedQuestion } from './idempotency-keys';

export interface IdempotencyBookOptions {
    ledger: Pick<GatewayLedger, 'idempotentAttempts'>;
    keys: IdempotencyKeys;
    clock: Clock;
    /** How long an answer goes on when its last reader has left: a client library comes back within it. */
    graceMs?: number;
    /** How long an answer can be read again after it ended. */
    answerLifeMs?: number;
    maxAnswers?: number;
    /** Of all ended answers together. */
    maxBytes?: number;
}

/** Answers the question into `sink`, unless `gone` aborts. */
export type Work = (sink: AnswerSink, mark: IdempotencyMark, gone: AbortSignal) => Promise<void>;

interface Entry {
    fingerprint: Buffer;
    tape: AnswerTape;
    stop: AbortController;
    readers: number;
    endedAtMs: number | undefined;
    leaving: NodeJS.Timeout | undefined;
}

const defaults = { graceMs: 10_000, answerLifeMs: 15 * 60_000, maxAnswers: 2_000, maxBytes: 64 * 1024 * 1024 };
/** `openai` and its kin try again on 5xx and 409 unless an answer says not to. */
const final = { 'x-should-retry': 'false' };
export const replayedHeader = 'x-cocoon-replayed';

/**
 * One answer a key: a retry joins the answer under way, reads an ended one again, and never runs or pays a second time.
 * Answers live in memory alone; that a key was used is in the ledger, so that it holds after a restart as well.
 */
export class IdempotencyBook {
    private readonly entries = new Map<string, Entry>();
    private readonly options: IdempotencyBookOptions & typeof defaults;
    private bytes = 0;

    constructor(options: IdempotencyBookOptions) {
        this.options = { ...defaults, ...options };
    }

    /** @throws GatewayError when the key was used for another question, or its answer is gone */
    async serve(question: KeyedQuestion, work: Work, reader: { sink: AnswerSink; gone: AbortSignal }): Promise<void> {
        const mark = this.options.keys.markOf(question);
        const id = mark.keyHash.toString('hex');
        this.dropOld();
        const known = this.entries.get(id);
        if (known !== undefined) requireSame(known, mark);
        const entry = known ?? this.begin(id, mark, work);
        await this.read(entry, reader, known === undefined ? {} : { [replayedHeader]: 'true' });
    }

    private begin(id: string, mark: IdempotencyMark, work: Work): Entry {
        const attempts = this.attemptsOf(mark);
        attempts.forEach((attempt) => requireSame(attempt, mark));
        if (attempts.some(mayCost)) throw answerGone(attempts);
        if (this.entries.size >= this.options.maxAnswers && !this.dropOldest())
            throw new GatewayError('capacity_exhausted', 'too many answers under keys are under way', {
                retryAfterMs: 1_000,
            });
        const { fingerprint } = mark;
        const entry: Entry = {
            fingerprint,
            tape: new AnswerTape(),
            stop: new AbortController(),
            readers: 0,
            endedAtMs: undefined,
            leaving: undefined,
        };
        this.entries.set(id, entry);
        void this.run(id, entry, mark, work);
        return entry;
    }

    private async run(id: string, entry: Entry, mark: IdempotencyMark, work: Work): Promise<void> {
        try {
            await work(entry.tape, mark, entry.stop.signal);
            this.keep(entry);
        } catch (error) {
            const paidFor = this.attemptsOf(mark).some(mayCost);
            // What owes nothing is as if it had never been asked: the key is free again.
            if (!paidFor) this.entries.delete(id);
            else this.keep(entry);
            entry.tape.fail(paidFor ? asFinal(error) : asError(error));
        }
        // Nobody came back in time, so it was cut off: the ledger answers for the key from now on.
        if (entry.stop.signal.aborted) this.drop(id, entry);
    }

    private async read(
        entry: Entry,
        { sink, gone }: { sink: AnswerSink; gone: AbortSignal },
        headers: Record<string, string>,
    ): Promise<void> {
        clearTimeout(entry.leaving);
        entry.readers += 1;
        try {
            await entry.tape.playTo(sink, headers, gone);
        } finally {
            entry.readers -= 1;
            if (entry.readers === 0 && entry.endedAtMs === undefined) this.leave(entry);
        }
    }

    private leave(entry: Entry): void {
        const left = () => entry.stop.abort(new GatewayError('request_timeout', 'the caller went away'));
        entry.leaving = setTimeout(left, this.options.graceMs);
        entry.leaving.unref();
    }

    private attemptsOf(mark: IdempotencyMark): IdempotentAttempt[] {
        return this.options.ledger.idempotentAttempts(mark.keyHash, this.options.clock.nowMs());
    }

    private keep(entry: Entry): void {
        clearTimeout(entry.leaving);
        entry.endedAtMs = this.options.clock.nowMs();
        this.bytes += entry.tape.bytes;
        while (this.bytes > this.options.maxBytes && this.dropOldest());
    }

    private dropOld(): void {
        const oldestMs = this.options.clock.nowMs() - this.options.answerLifeMs;
        for (const [id, entry] of this.entries) {
            if (entry.endedAtMs !== undefined && entry.endedAtMs < oldestMs) this.drop(id, entry);
        }
    }

    private dropOldest(): boolean {
        for (const [id, entry] of this.entries) {
            if (entry.endedAtMs === undefined) continue;
            this.drop(id, entry);
            return true;
        }
        return false;
    }

    private drop(id: string, entry: Entry): void {
        if (this.entries.get(id) !== entry) return;
        this.entries.delete(id);
        if (entry.endedAtMs !== undefined) this.bytes -= entry.tape.bytes;
    }
}

function requireSame({ fingerprint }: { fingerprint: Buffer }, mark: IdempotencyMark): void {
    if (fingerprint.equals(mark.fingerprint)) return;
    const message = 'this Idempotency-Key was used for another request: choose a new key for each';
    throw new GatewayError('idempotency_key_reused', message, { param: 'Idempotency-Key' });
}

/** Whether the node was paid, may have been, or may be yet. */
function mayCost({ state, costNano }: IdempotentAttempt): boolean {
    return state !== 'failed' && costNano !== 0n;
}

function answerGone(attempts: readonly IdempotentAttempt[]): GatewayError {
    const requestId = attempts.findLast(mayCost)!.requestId.toString('hex');
    return new GatewayError(
        'idempotency_answer_gone',
        `the answer under this Idempotency-Key is no longer kept: GET /cocoon/receipts/${requestId} says what it cost; a new key asks anew`,
        { param: 'Idempotency-Key', headers: final },
    );
}

function asError(error: unknown): Error {
    return error instanceof Error ? error : new Error('the answer failed');
}

/** The same error again for whoever retries under the key; another key would ask anew. */
function asFinal(error: unknown): Error {
    if (error instanceof GatewayError) error.headers = { ...error.headers, ...final };
    return asError(error);
}
