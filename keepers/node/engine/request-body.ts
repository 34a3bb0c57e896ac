import { EngineError } from './errors';

/** The JSON object an OpenAI request's body must be. */
export function parseFields(body: Buffer): Record<string, unknown> {
    let parsed: unknown;
    try {
        parsed = JSON.parse(body.toString('utf8'));
    } catch {
        // No cause: the parser's message quotes the text it fell over, which is the client's.
        throw new EngineError('invalid_request', 'the request body is not valid JSON');
    }
    if (!isObject(parsed)) throw new EngineError('invalid_request', 'the request body must be a JSON object');
    return parsed;
}

export function isObject(value: unknown): value is Record<string, unknown> {
    return typeof value === 'object' && value !== null && !Array.isArray(value);
}
