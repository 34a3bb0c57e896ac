import { GatewayError } from './errors';

/** Frames of an answer as they come; destroyed when nobody reads on. */
export type AnswerFrames = AsyncIterable<Buffer> & { destroy(): void };

/** A caller that leaves this much of its answer unread gets no more of it: others share the connection. */
export const maxUnreadBytes = 16 * 1024 * 1024;

interface Reader {
    resolve(result: IteratorResult<Buffer>): void;
    reject(error: Error): void;
}

/** What one stream of a link has received and its reader has not: bounded, in order. */
export class FrameQueue implements AnswerFrames, AsyncIterator<Buffer> {
    private readonly unread: Buffer[] = [];
    private unreadBytes = 0;
    private reader: Reader | undefined;
    private ending: { error?: Error } | undefined;

    /** @param onLeave nobody reads on, before the end came */
    constructor(private readonly onLeave: () => void) {}

    /** A view is handed on only to a reader that waits; what is kept is a copy, or it would hold its whole bundle. */
    push(bytes: Buffer): void {
        if (this.ending !== undefined) return;
        const { reader } = this;
        if (reader !== undefined) {
            this.reader = undefined;
            return reader.resolve({ done: false, value: bytes });
        }
        this.unread.push(Buffer.from(bytes));
        this.unreadBytes += bytes.length;
        if (this.unreadBytes <= maxUnreadBytes) return;
        this.drop();
        this.leave(new GatewayError('reader_too_slow', 'the caller reads its answer too slowly: it was broken off'));
    }

    /** The answer is whole, or has broken off with this error; what came before is read first. */
    end(error?: Error): void {
        if (this.ending !== undefined) return;
        this.ending = error === undefined ? {} : { error };
        const { reader } = this;
        this.reader = undefined;
        if (error === undefined) reader?.resolve({ done: true, value: undefined });
        else reader?.reject(error);
    }

    destroy(): void {
        this.drop();
        this.leave(new Error('nobody reads this answer'));
    }

    next(): Promise<IteratorResult<Buffer>> {
        const bytes = this.unread.shift();
        if (bytes !== undefined) {
            this.unreadBytes -= bytes.length;
            return Promise.resolve({ done: false, value: bytes });
        }
        if (this.ending !== undefined)
            return this.ending.error
                ? Promise.reject(this.ending.error)
                : Promise.resolve({ done: true, value: undefined });
        return new Promise((resolve, reject) => (this.reader = { resolve, reject }));
    }

    return(): Promise<IteratorResult<Buffer>> {
        this.destroy();
        return Promise.resolve({ done: true, value: undefined });
    }

    [Symbol.asyncIterator](): this {
        return this;
    }

    private leave(error: Error): void {
        if (this.ending !== undefined) return;
        this.end(error);
        this.onLeave();
    }

    private drop(): void {
        this.unread.length = 0;
        this.unreadBytes = 0;
    }
}
