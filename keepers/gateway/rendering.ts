import type { GatewayError } from './errors';

/** How an engine's answer is spelled for the caller. */
export interface Rendering {
    whole(body: Buffer): Buffer;
    stream(body: AsyncIterable<Buffer>): AsyncIterable<Buffer>;
    /** The last bytes of a stream that broke off: its status is long sent. */
    failure(error: GatewayError): Buffer;
}

/** As the engine wrote it. The error event is what OpenAI's clients raise on; no [DONE] follows it. */
export const untouched: Rendering = {
    whole: (body) => body,
    stream: (body) => body,
    failure: (error) => Buffer.from(`\n\ndata: ${JSON.stringify(error.toJSON())}\n\n`),
};
