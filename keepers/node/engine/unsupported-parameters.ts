import { EngineError } from './errors';
import { isObject } from './request-body';

const anything = () => true;
const oneOf =
    (...allowed: unknown[]) =>
    (value: unknown) =>
        allowed.includes(value);
const emptyList = (value: unknown) => Array.isArray(value) && value.length === 0;

/**
 * Parameters of OpenAI that the embedded engine has not, each with the values that change nothing.
 * Any other value would quietly mean something else than the client asked for, so it is refused.
 */
const HARMLESS: Record<string, (value: unknown) => boolean> = {
    best_of: oneOf(1),
    echo: oneOf(false),
    function_call: oneOf('none', 'auto'),
    functions: emptyList,
    logit_bias: (value) => isObject(value) && Object.keys(value).length === 0,
    logprobs: oneOf(false),
    metadata: anything,
    modalities: (value) => Array.isArray(value) && value.length === 1 && value[0] === 'text',
    parallel_tool_calls: anything,
    prompt_cache_key: anything,
    reasoning_effort: oneOf('none'),
    response_format: (value) => isObject(value) && value.type === 'text',
    safety_identifier: anything,
    service_tier: oneOf('auto', 'default'),
    store: oneOf(false),
    suffix: oneOf(''),
    tool_choice: oneOf('none', 'auto'),
    tools: emptyList,
    top_logprobs: oneOf(0),
    user: anything,
};

export function refuseUnsupported(fields: Record<string, unknown>, supported: readonly string[]): void {
    for (const [param, value] of Object.entries(fields)) {
        if (supported.includes(param) || value === null || isHarmless(param, value)) continue;
        throw new EngineError('unsupported_parameter', `this model does not support ${describe(param)}`, { param });
    }
}

function isHarmless(param: string, value: unknown): boolean {
    return Object.hasOwn(HARMLESS, param) && HARMLESS[param]?.(value) === true;
}

/** A made-up name is the client's text: only its beginning, and only what is printable, is said back. */
function describe(param: string): string {
    return Object.hasOwn(HARMLESS, param)
        ? `this value of '${param}'`
        : `'${param.slice(0, 64).replace(/[^\w.-]/g, '?')}'`;
}

/** Valid for OpenAI, impossible here: tools, and parts of a message that are not text. */
export function refuseUnsupportedMessages(messages: unknown): void {
    if (!Array.isArray(messages)) return;
    for (const [index, message] of messages.entries()) {
        if (isObject(message)) refuseUnsupportedMessage(message, `messages.${index}`);
    }
}

function refuseUnsupportedMessage(message: Record<string, unknown>, param: string): void {
    const refuse = (what: string, field: string) => {
        throw new EngineError('unsupported_parameter', `this model does not support ${what}`, {
            param: `${param}.${field}`,
        });
    };
    if (message.role === 'tool' || message.role === 'function') refuse('tools', 'role');
    if (message.function_call || (Array.isArray(message.tool_calls) && message.tool_calls.length > 0)) {
        refuse('tools', 'tool_calls');
    }
    if (!Array.isArray(message.content)) return;
    const other = message.content.findIndex((part) => isObject(part) && part.type !== 'text');
    if (other >= 0) refuse('message parts other than text', `content.${other}`);
}
