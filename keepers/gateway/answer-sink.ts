import type { ServerResponse } from 'node:http';
import type { FastifyReply } from 'fastify';

/** Where an answer goes: to a caller, or on a tape that callers read. */
export interface AnswerSink {
    head(status: number, headers: Record<string, string>): void;
    /** Resolves when there is room for more; undefined when there is already. */
    write(chunk: Buffer): Promise<void> | undefined;
    end(last?: Buffer): void;
}

/** Takes the reply over with the head; until then an error is the server's to answer. */
export function replySink(reply: FastifyReply): AnswerSink {
    const { raw } = reply;
    return {
        head: (status, headers) => {
            reply.hijack();
            raw.writeHead(status, headers);
            // A whole answer's body is about to follow, a stream's may be long in coming.
            if (!('content-length' in headers)) raw.flushHeaders();
        },
        write: (chunk) => (raw.write(chunk) || raw.destroyed ? undefined : drained(raw)),
        end: (last) => {
            if (!raw.destroyed) raw.end(last);
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
