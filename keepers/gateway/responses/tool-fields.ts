import { invalid, unsupported } from './refuse';

type Json = Record<string, unknown>;

/** Functions as a chat spells them; built-in tools run on OpenAI's servers, and there is nothing of the kind here. */
export function chatTools(tools: readonly Json[]): Json[] {
    return tools.map((tool, index) => {
        const { type, name, description, parameters, strict } = tool;
        if (type !== 'function')
            throw unsupported(
                `tools.${index}.type`,
                `only tools of type 'function' are supported: there are no built-in ones`,
            );
        if (typeof name !== 'string' || name === '') throw invalid(`tools.${index}.name`, 'must be a text');
        return { type, function: withoutNulls({ name, description, parameters, strict }) };
    });
}

const plainChoices = new Set(['none', 'auto', 'required']);

export function chatToolChoice(choice: string | Json): string | Json {
    if (typeof choice === 'string') {
        if (plainChoices.has(choice)) return choice;
        throw invalid('tool_choice', `must be one of ${[...plainChoices].join(', ')}, or name a function`);
    }
    if (choice['type'] !== 'function')
        throw unsupported('tool_choice.type', `only a function can be chosen: there are no built-in tools`);
    return { type: 'function', function: { name: choice['name'] } };
}

/** `text.format` as a chat's `response_format`. */
export function chatResponseFormat(format: { type: string } & Json): Json {
    if (format.type === 'text' || format.type === 'json_object') return { type: format.type };
    if (format.type !== 'json_schema')
        throw unsupported('text.format.type', `must be 'text', 'json_schema' or 'json_object'`);
    const { name, schema, strict, description } = format;
    return { type: 'json_schema', json_schema: withoutNulls({ name, description, schema, strict }) };
}

function withoutNulls(fields: Json): Json {
    return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined && value !== null));
}
