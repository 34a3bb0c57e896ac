import { readResponsesFields } from './request-fields';
import { ResponsesRendering } from './responses-rendering';
import { chatRequestOf } from './to-chat';

/** A responses request as a chat completion, which every engine serves, and the chat's answer as a response. */
export function responsesExchange(body: Buffer) {
    const fields = readResponsesFields(body);
    return {
        path: '/v1/chat/completions',
        body: chatRequestOf(fields),
        renderingOf: (requestId: string) =>
            new ResponsesRendering(fields, { requestId, nowMs: Date.now(), model: String(fields['model']) }),
    };
}
