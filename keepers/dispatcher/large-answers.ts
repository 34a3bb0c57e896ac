import type { FastifyReply } from 'fastify';
import { DispatchError } from '../dispatch';

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
 * Anybody may ask for the whole directory, which is megabytes, and leave it unread: each such answer waits in memory, so
 * there are a few of them at a time, for a while.
 */
export class LargeAnswers {
    private readonly options: typeof defaults;
    private open = 0;

    constructor(options: LargeAnswersOptions = {}) {
        this.options = { ...defaults, ...options };
    }

    /** @throws DispatchError `link_full` */
    send(reply: FastifyReply, value: () => object): FastifyReply {
        const body = Buffer.from(JSON.stringify(value()), 'utf8');
        if (body.length >= this.options.largeBytes) this.hold(reply);
        return reply.type('application/json; charset=utf-8').send(body);
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
