import { z } from 'zod';
import { ConfidentialError, type InnerRequest, type RequestedWork, requestedWork } from '../confidential';
import { conversationKey } from './conversation';
import { GatewayError } from './errors';

/** Paths that a node answers and that cost tokens. */
export const inferencePaths = ['/v1/chat/completions', '/v1/completions', '/v1/embeddings'] as const;

/** Only what decides routing and money is looked at; every other field goes to the engine untouched. */
const routedFields = z.looseObject({
    model: z.string('must be a string').min(1, 'must not be empty').max(128, 'is too long'),
    stream: z.boolean('must be true or false').nullish(),
    n: z.int('must be a whole number').min(1, 'must be at least 1').max(128, 'must be at most 128').nullish(),
    best_of: z.int('must be a whole number').min(1, 'must be at least 1').max(128, 'must be at most 128').nullish(),
    max_tokens: z.int('must be a whole number').min(1, 'must be at least 1').nullish(),
    max_completion_tokens: z.int('must be a whole number').min(1, 'must be at least 1').nullish(),
});

export interface RequestShape {
    model: string;
    stream: boolean;
    /** What the requests of one conversation share; undefined for what is none. */
    conversation: string | undefined;
    /** What is sealed. */
    inner: InnerRequest;
    /** What may be charged at most; gateway and node read it alike. */
    work: RequestedWork;
}

/** @throws GatewayError `invalid_json` or `invalid_request`, naming the field at fault */
export function shapeOf(inner: InnerRequest): RequestShape {
    const body = parseJson(inner.body);
    const parsed = routedFields.safeParse(body);
    if (!parsed.success) {
        const issue = parsed.error.issues[0]!;
        const param = issue.path.join('.');
        const message = param === '' ? 'the body must be a JSON object' : `'${param}' ${issue.message}`;
        throw new GatewayError('invalid_request', message, { param: param === '' ? undefined : param });
    }
    const { model, stream } = parsed.data;
    return {
        model,
        stream: stream ?? false,
        conversation: conversationKey(parsed.data),
        inner,
        work: workOf(inner, body),
    };
}

function workOf(inner: InnerRequest, body: unknown): RequestedWork {
    try {
        return requestedWork(inner, body);
    } catch (error) {
        if (error instanceof ConfidentialError) throw new GatewayError('invalid_request', error.message);
        throw error;
    }
}

export function parseJson(body: Buffer): unknown {
    try {
        return JSON.parse(body.toString('utf8')) as unknown;
    } catch {
        // The parser's own words quote the body; a prompt must not reach a log by way of an error.
        throw new GatewayError('invalid_json', 'the body is not valid JSON');
    }
}
