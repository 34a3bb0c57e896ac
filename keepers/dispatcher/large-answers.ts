import { Readable } from 'node:stream';
import type { FastifyReply } from 'fastify';
import { DispatchError } from '../dispatch';
import { unhurried } from './unhurried';

export interface LargeAnswersOptions {
    /** From this length on an answer is a large one. */
    largeBytes?: number;
    /** At the same time. */
    most?: number;
    /** A reader that takes longer is cut off. */
    readWithinMs?: number;
}

const defaults = { largeBytes: 256 * 1024, most: 64, readWithinMs: 30_000 };

/**
 * Anybody may ask for the whole directory, which is megabytes, and leave it unread: there are a few such answers at a time,
 * for a while. Each is made as it is read, a piece at a time, and others have their turn in between.
 */
export class LargeAnswers {
    private readonly options: typeof defaults;
    private open = 0;

    constructor(options: LargeAnswersOptions = {}) {
        this.options = { ...defaults, ...options };
    }

    /** @param pieces of JSON @throws DispatchError `link_full` */
    send(reply: FastifyReply, pieces: Iterable<Buffer>): FastifyReply {
        const iterator = pieces[Symbol.iterator]();
        const first: Buffer[] = [];
        let bytes = 0;
        void reply.type('application/json; charset=utf-8');
        for (let next = iterator.next(); next.done !== true; next = iterator.next()) {
            first.push(next.value);
            bytes += next.value.length;
            if (bytes < this.options.largeBytes) continue;
            this.hold(reply);
            return reply.send(Readable.from(unhurried(following(first, iterator)), { objectMode: false }));
        }
        return reply.send(Buffer.concat(first));
    }

    private hold({ raw }: FastifyReply): void {
        if (this.open >= this.options.most)
            throw new DispatchError('link_full', 'the directory is being read by as many as may: ask again soon', {
                retryAfterMs: 1_000,
            });
        this.open += 1;
        const timer = setTimeout(() => raw.destroy(), this.options.readWithinMs);
        raw.once('close', () => {
            clearTimeout(timer);
            this.open -= 1;
        });
    }
}

function* following<T>(first: readonly T[], rest: Iterator<T>): Generator<T> {
    yield* first;
    for (let next = rest.next(); next.done !== true; next = rest.next()) yield next.value;
}
