import { EngineError } from './errors';
import { EngineRequest } from './engine';
import { isObject, parseFields } from './request-body';

/** The routes whose answers say what they used; anything else could not be metered. */
const METERED_PATHS = new Set(['/v1/chat/completions', '/v1/completions', '/v1/embeddings']);

export interface UpstreamRequest {
    body: Buffer;
    streaming: boolean;
    /** The client asked for the final usage chunk itself, so it stays in the stream. */
    clientWantsUsage: boolean;
}

/** Checks what metering depends on and, for a stream, asks the engine for usage; other fields stay untouched. */
export function prepareUpstreamRequest(request: EngineRequest, continuousUsage: boolean): UpstreamRequest {
    if (request.method !== 'POST' || !METERED_PATHS.has(request.path)) {
        throw new EngineError('invalid_request', `this engine does not serve ${request.method} ${request.path}`);
    }
    const fields = parseFields(request.body);
    const streaming = readFlag(fields.stream, 'stream');
    const options = readStreamOptions(fields.stream_options);
    const clientWantsUsage = readFlag(options?.include_usage, 'stream_options.include_usage');
    if (!streaming) return { body: request.body, streaming, clientWantsUsage };
    const added = { include_usage: true, ...(continuousUsage ? { continuous_usage_stats: true } : {}) };
    if (options === undefined && !('stream_options' in fields)) {
        return { body: insertField(request.body, 'stream_options', added), streaming, clientWantsUsage };
    }
    const body = Buffer.from(JSON.stringify({ ...fields, stream_options: { ...options, ...added } }));
    return { body, streaming, clientWantsUsage };
}

/** Some servers read "true" or 1 as true; were they to stream what we take for a whole answer, usage would be lost. */
function readFlag(value: unknown, param: string): boolean {
    if (value === undefined || value === null) return false;
    if (typeof value !== 'boolean') throw new EngineError('invalid_request', `${param} must be a boolean`, { param });
    return value;
}

function readStreamOptions(value: unknown): Record<string, unknown> | undefined {
    if (value === undefined || value === null) return undefined;
    if (isObject(value)) return value;
    throw new EngineError('invalid_request', 'stream_options must be an object', { param: 'stream_options' });
}

/** Into the text, not through JSON.parse: integers beyond 2^53 and the client's own spelling survive. */
function insertField(body: Buffer, name: string, value: unknown): Buffer {
    const after = body.indexOf('{') + 1;
    const field = Buffer.from(`${JSON.stringify(name)}:${JSON.stringify(value)},`);
    return Buffer.concat([body.subarray(0, after), field, body.subarray(after)]);
}
