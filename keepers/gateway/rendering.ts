import type { GatewayError } from './errors';
import { holdDone } from './hold-done';

/** How an engine's answer is spelled for the caller. */
export interface Rendering {
    whole(body: Buffer): Buffer;
    stream(body: AsyncIterable<Buffer>): AsyncIterable<Buffer>;
    /** The last bytes of a stream that broke off: its status is long sent. */
    failure(error: GatewayError): Buffer;
}

/** As the engine wrote it. The error event is what OpenAI's clients raise on; no [DONE] is before it, or follows. */
export const untouched: Rendering = {
    whole: (body) => body,
    stream: holdDone,
    failure: (error) => Buffer.from(`\n\ndata: ${JSON.stringify(error.toJSON())}\n\n`),
};
