import { isObject } from './request-body';

/**
 * An engine's refusal in OpenAI's shape: `{"error": {…}}`. SGLang puts the same fields at the top, Ollama's own routes
 * give the text alone, FastAPI says `detail`.
 */
export function refusalBody(body: Buffer): Buffer {
    const parsed = parseObject(body);
    if (parsed === undefined || isObject(parsed.error)) return body;
    const message = [parsed.message, parsed.error, parsed.detail].find((text) => text !== undefined && text !== null);
    if (message === undefined) return body;
    const error = {
        message: typeof message === 'string' ? message : JSON.stringify(message),
        type: typeof parsed.type === 'string' ? parsed.type : 'invalid_request_error',
        param: typeof parsed.param === 'string' ? parsed.param : null,
        code: parsed.code ?? null,
    };
    return Buffer.from(JSON.stringify({ error }));
}

function parseObject(body: Buffer): Record<string, unknown> | undefined {
    try {
        const parsed: unknown = JSON.parse(body.toString('utf8'));
        return isObject(parsed) ? parsed : undefined;
    } catch {
        return undefined;
    }
}
