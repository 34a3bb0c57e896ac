import { type Clock, errorMessage, type Logger } from '../../base';
import { type GatewayLedger, type IdempotencyMark, type IdempotentAttempt, maxKeptAnswerBytes } from '../../ledger';
import type { AnswerSink } from '../answer-sink';
import { GatewayError } from '../errors';
import { AnswerTape } from './answer-tape';
import type { IdempotencyKeys, KeyedQuestion } from './idempotency-keys';
import { openAnswer, sealAnswer } from './sealed-answer';

export interface IdempotencyBookOptions {
    ledger: Pick<GatewayLedger, 'idempotentAttempts' | 'keepAnswer' | 'keptAnswer'>;
    keys: IdempotencyKeys;
    clock: Clock;
    logger: Logger;
    /** How long an answer goes on when its last reader has left: a client library comes back within it. */
    graceMs?: number;
    /** How long an answer can be read again after it ended. */
    answerLifeMs?: number;
    maxAnswers?: number;
    /** Of all answers in memory, those under way included. */
    maxBytes?: number;
}

/** Answers the question into `sink`, unless `gone` aborts. */
export type Work = (sink: AnswerSink, mark: IdempotencyMark, gone: AbortSignal) => Promise<void>;

interface Entry {
    fingerprint: Buffer;
    tape: AnswerTape;
    stop: AbortController;
    readers: number;
    /** By the monotonic clock. */
    endedAtMs: number | undefined;
    leaving: NodeJS.Timeout | undefined;
}

const defaults = { graceMs: 10_000, answerLifeMs: 15 * 60_000, maxAnswers: 2_000, maxBytes: 64 * 1024 * 1024 };
/** `openai` and its kin try again on 5xx and 409 unless an answer says not to. */
const final = { 'x-should-retry': 'false' };
export const replayedHeader = 'x-cocoon-replayed';

/**
 * One answer a key: a retry joins the answer under way, reads an ended one again, and never runs or pays a second time.
 * That a key was used is in the ledger, so that it holds after a restart as well. An answer is there too where its caller
 * brought a secret to seal it under; every other lives in memory alone.
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
        const known = this.entries.get(id) ?? this.recall(id, question, mark);
        if (known !== undefined) requireSame(known, mark);
        const entry = known ?? this.begin(id, question, mark, work);
        await this.read(entry, reader, known === undefined ? {} : { [replayedHeader]: 'true' });
    }

    /** What an earlier run of this gateway answered, or this one before it needed the memory. */
    private recall(id: string, question: KeyedQuestion, mark: IdempotencyMark): Entry | undefined {
        const attempts = this.attemptsOf(mark);
        attempts.forEach((attempt) => requireSame(attempt, mark));
        if (!attempts.some(mayCost)) return undefined;
        const { ledger, keys, clock } = this.options;
        const sealed = question.callerIsSecret ? ledger.keptAnswer(mark.keyHash, clock.nowMs()) : undefined;
        const whole = sealed && openAnswer(sealed, keys.answerKeyOf(question), aboutAnswer(mark));
        if (whole === undefined) throw answerGone(attempts);
        const entry = newEntry(mark, AnswerTape.of(whole));
        this.entries.set(id, entry);
        this.bytes += entry.tape.bytes;
        this.end(entry);
        return entry;
    }

    private begin(id: string, question: KeyedQuestion, mark: IdempotencyMark, work: Work): Entry {
        this.makeRoom(this.options.maxAnswers - 1);
        if (this.entries.size >= this.options.maxAnswers || this.bytes >= this.options.maxBytes)
            throw new GatewayError('capacity_exhausted', 'too many answers under keys are under way', {
                retryAfterMs: 1_000,
            });
        const entry = newEntry(mark, new AnswerTape((bytes) => this.grow(bytes)));
        this.entries.set(id, entry);
        void this.run(id, entry, { question, mark, work });
        return entry;
    }

    private async run(
        id: string,
        entry: Entry,
        { question, mark, work }: { question: KeyedQuestion; mark: IdempotencyMark; work: Work },
    ): Promise<void> {
        try {
            await work(entry.tape, mark, entry.stop.signal);
            this.end(entry);
            if (question.callerIsSecret && !entry.stop.signal.aborted) await this.keep(entry.tape, question, mark);
        } catch (error) {
            const paidFor = this.attemptsOf(mark).some(mayCost);
            // What owes nothing is as if it had never been asked: the key is free again.
            if (paidFor) this.end(entry);
            else this.drop(id, entry);
            entry.tape.fail(paidFor ? asFinal(error) : asError(error));
        }
        // Nobody came back in time, so it was cut off: the ledger answers for the key from now on.
        if (entry.stop.signal.aborted) this.drop(id, entry);
    }

    /** Without it the key is refused once memory has lost the answer: no reason to fail what was answered. */
    private async keep(tape: AnswerTape, question: KeyedQuestion, mark: IdempotencyMark): Promise<void> {
        const { ledger, keys, clock, logger } = this.options;
        const { whole } = tape;
        if (whole === undefined || tape.bytes > maxKeptAnswerBytes) return;
        const sealed = sealAnswer(whole, keys.answerKeyOf(question), aboutAnswer(mark));
        await ledger.keepAnswer({ keyHash: mark.keyHash, sealed, atMs: clock.nowMs() }).catch((error: unknown) => {
            logger.warn({ reason: errorMessage(error) }, 'an answer under an Idempotency-Key was not kept');
        });
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

    private end(entry: Entry): void {
        clearTimeout(entry.leaving);
        entry.endedAtMs = this.options.clock.monotonicMs();
        this.makeRoom();
    }

    /** An answer that grows pushes ended ones out; those under way are bounded by what new questions are refused for. */
    private grow(bytes: number): void {
        this.bytes += bytes;
        if (this.bytes >= this.options.maxBytes) this.makeRoom();
    }

    private makeRoom(maxEntries = this.options.maxAnswers): void {
        while ((this.entries.size > maxEntries || this.bytes >= this.options.maxBytes) && this.dropOldest());
    }

    private dropOld(): void {
        const oldestMs = this.options.clock.monotonicMs() - this.options.answerLifeMs;
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
        this.bytes -= entry.tape.bytes;
    }
}

function newEntry({ fingerprint }: IdempotencyMark, tape: AnswerTape): Entry {
    return { fingerprint, tape, stop: new AbortController(), readers: 0, endedAtMs: undefined, leaving: undefined };
}

/** A sealed answer is none to another key or another question. */
function aboutAnswer({ keyHash, fingerprint }: IdempotencyMark): Buffer {
    return Buffer.concat([keyHash, fingerprint]);
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
