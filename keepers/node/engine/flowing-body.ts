import type { Readable } from 'node:stream';

/** Behind a reader that does not keep up the stream is held back. */
const maxUnreadBytes = 256 * 1024;

interface Waiting {
    resolve(result: IteratorResult<Buffer>): void;
    reject(error: Error): void;
}

/**
 * The bytes of a stream as they come. It flows, so a token goes to its reader in the step in which it is read from the
 * socket; the stream's own iterator asks for each piece, which costs a few microseconds and two turns of the queue a token.
 */
export class FlowingBody implements AsyncIterableIterator<Buffer> {
    private readonly unread: Buffer[] = [];
    private unreadBytes = 0;
    private waiting: Waiting | undefined;
    private ending: { error?: Error } | undefined;

    constructor(private readonly stream: Readable) {
        stream.on('data', (bytes: Buffer) => this.push(bytes));
        stream.once('end', () => this.end());
        stream.once('error', (error: Error) => this.end(error));
        stream.once('close', () => this.end(new Error('the answer broke off')));
    }

    next(): Promise<IteratorResult<Buffer>> {
        const bytes = this.unread.shift();
        if (bytes !== undefined) {
            this.unreadBytes -= bytes.length;
            if (this.unreadBytes <= maxUnreadBytes && this.stream.isPaused()) this.stream.resume();
            return Promise.resolve({ done: false, value: bytes });
        }
        if (this.ending === undefined) return new Promise((resolve, reject) => (this.waiting = { resolve, reject }));
        const { error } = this.ending;
        return error === undefined ? Promise.resolve({ done: true, value: undefined }) : Promise.reject(error);
    }

    /** The reader leaves. */
    return(): Promise<IteratorResult<Buffer>> {
        this.end();
        this.unread.length = 0;
        this.stream.destroy();
        return Promise.resolve({ done: true, value: undefined });
    }

    [Symbol.asyncIterator](): this {
        return this;
    }

    private push(bytes: Buffer): void {
        if (this.ending !== undefined) return;
        const { waiting } = this;
        if (waiting !== undefined) {
            this.waiting = undefined;
            return waiting.resolve({ done: false, value: bytes });
        }
        this.unread.push(bytes);
        this.unreadBytes += bytes.length;
        if (this.unreadBytes > maxUnreadBytes) this.stream.pause();
    }

    /** Once: what came before is read first. */
    private end(error?: Error): void {
        if (this.ending !== undefined) return;
        this.ending = error === undefined ? {} : { error };
        const { waiting } = this;
        this.waiting = undefined;
        if (error === undefined) waiting?.resolve({ done: true, value: undefined });
        else waiting?.reject(error);
    }
}
