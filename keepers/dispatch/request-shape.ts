import { z } from 'zod';
import { CocoonError } from '../base';

/** OpenAI paths that cost tokens, with the capability a node's engine must declare for each. */
export const capabilityOfPath: Readonly<Record<string, string>> = {
    '/v1/chat/completions': 'chat.completions',
    '/v1/completions': 'completions',
    '/v1/embeddings': 'embeddings',
};

export type RequestShapeErrorCode = 'invalid_json' | 'invalid_request' | 'path_unknown';

/** The caller's request is wrong. `param` names the field at fault. */
export class RequestShapeError extends CocoonError<RequestShapeErrorCode> {
    constructor(
        code: RequestShapeErrorCode,
        message: string,
        readonly param?: string,
    ) {
        super(code, message, { action: 'fix' });
    }
}

/** Only what decides routing and money; every other field goes to the engine untouched. */
const routedFields = z.looseObject({
    model: z.string('must be a string').min(1, 'must not be empty').max(128, 'is too long'),
    stream: z.boolean('must be true or false').nullish(),
    n: z.int('must be a whole number').min(1, 'must be at least 1').max(128, 'must be at most 128').nullish(),
    best_of: z.int('must be a whole number').min(1).max(128).nullish(),
    max_tokens: z.int('must be a whole number').min(1, 'must be at least 1').nullish(),
    max_completion_tokens: z.int('must be a whole number').min(1, 'must be at least 1').nullish(),
});

export interface RequestShape {
    model: string;
    stream: boolean;
    /** How many answers the caller asks for, `n` or `best_of`. */
    choices: number;
    /** Undefined: up to the model's context length. */
    maxTokens: number | undefined;
    capability: string;
}

/** Read alike by the gateway, which reserves by it, and by the node, which checks the reservation. @throws RequestShapeError */
export function shapeOf(path: string, body: Buffer): RequestShape {
    const capability = capabilityOfPath[path];
    if (capability === undefined) throw new RequestShapeError('path_unknown', `${path} is not served here`);
    const parsed = routedFields.safeParse(parseJson(body));
    if (!parsed.success) {
        const issue = parsed.error.issues[0]!;
        const param = issue.path.join('.');
        const message = param === '' ? 'the body must be a JSON object' : `'${param}' ${issue.message}`;
        throw new RequestShapeError('invalid_request', message, param === '' ? undefined : param);
    }
    const { model, stream, n, best_of, max_tokens, max_completion_tokens } = parsed.data;
    return {
        model,
        stream: stream ?? false,
        choices: Math.max(n ?? 1, best_of ?? 1),
        maxTokens: max_completion_tokens ?? max_tokens ?? undefined,
        capability,
    };
}

function parseJson(body: Buffer): unknown {
    try {
        return JSON.parse(body.toString('utf8')) as unknown;
    } catch {
        // The parser's own words quote the body; a prompt must not reach a log by way of an error.
        throw new RequestShapeError('invalid_json', 'the body is not valid JSON');
    }
}
