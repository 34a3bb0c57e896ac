import type { ServerResponse } from 'node:http';
import type { FastifyReply } from 'fastify';

/** Where an answer goes: to a caller, or on a tape that callers read. */
export interface AnswerSink {
    head(status: number, headers: Record<string, string>): void;
    /** Resolves when there is room for more; undefined when there is already. */
    write(chunk: Buffer): Promise<void> | undefined;
    end(last?: Buffer): void;
}

/** A whole answer is the server's to send, with what its hooks add; a stream takes the reply over with its head. */
export function replySink(reply: FastifyReply): AnswerSink {
    const { raw } = reply;
    let whole: Buffer[] | undefined;
    return {
        head: (status, headers) => {
            if ('content-length' in headers) {
                whole = [];
                void reply.code(status).headers(headers);
                return;
            }
            reply.hijack();
            // With what of the answer is here already: one write to the socket for both.
            const { socket } = raw;
            socket?.cork();
            raw.writeHead(status, headers);
            raw.flushHeaders();
            process.nextTick(() => socket?.uncork());
        },
        write: (chunk) => {
            if (whole === undefined) return raw.write(chunk) || raw.destroyed ? undefined : drained(raw);
            whole.push(chunk);
            return undefined;
        },
        end: (last) => {
            if (whole !== undefined) void reply.send(Buffer.concat(last === undefined ? whole : [...whole, last]));
            else if (!raw.destroyed) raw.end(last);
        },
    };
}

/** Resolves when there is room again or nobody reads any more; leaves no listener behind, however often it is called. */
function drained(raw: ServerResponse): Promise<void> {
    return new Promise((resolve) => {
        const done = () => {
            raw.off('drain', done).off('close', done);
            resolve();
        };
        raw.on('drain', done).on('close', done);
    });
}
