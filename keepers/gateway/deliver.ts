import type { Logger } from '../base';
import type { Answer } from './answer';
import type { AnswerSink } from './answer-sink';
import { GatewayError } from './errors';
import type { Rendering } from './rendering';

/**
 * A stream goes out as it comes; anything else is held back until its final receipt proves it whole.
 * @throws GatewayError before the head is sent
 */
export async function deliver(answer: Answer, sink: AnswerSink, rendering: Rendering, logger: Logger): Promise<void> {
    const refused = answer.status >= 400;
    if (answer.streaming && !refused) return deliverStream(answer, sink, rendering, logger);
    const body = await answer.wholeBody();
    const receipt = await answer.settled;
    const shown = refused ? body : rendering.whole(body);
    const headers = { ...answer.headers, 'content-length': String(shown.length) };
    sink.head(answer.status, { ...headers, ...receipt.headers });
    sink.end(shown);
}

async function deliverStream(answer: Answer, sink: AnswerSink, rendering: Rendering, logger: Logger): Promise<void> {
    const named = { 'x-cocoon-node': answer.nodeId, 'x-cocoon-receipt': answer.requestId };
    sink.head(answer.status, { ...answer.headers, ...named });
    try {
        for await (const chunk of rendering.stream(answer.body)) {
            const room = sink.write(chunk);
            if (room !== undefined) await room;
        }
        await answer.settled;
        sink.end();
    } catch (error) {
        const failure =
            error instanceof GatewayError
                ? error
                : new GatewayError('internal_error', 'the answer broke off', { cause: error });
        logger.warn({ code: failure.code, requestId: answer.requestId }, 'stream failed');
        sink.end(rendering.failure(failure));
    }
}
