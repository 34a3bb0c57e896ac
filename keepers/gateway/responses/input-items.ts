import { z } from 'zod';
import { contentParts, type ContentPart } from './content-parts';
import { invalid, unsupported } from './refuse';

export interface ToolCall {
    id: string;
    type: 'function';
    function: { name: string; arguments: string };
}

/** A message of a chat completion. */
export interface ChatMessage {
    role: string;
    content: string | ContentPart[] | null;
    tool_calls?: ToolCall[];
    tool_call_id?: string;
}

type Item = Record<string, unknown>;

const roles = new Set(['system', 'developer', 'user', 'assistant']);
const functionCall = z.looseObject({ call_id: z.string(), name: z.string(), arguments: z.string() });
const functionOutput = z.looseObject({ call_id: z.string(), output: z.union([z.string(), z.array(z.unknown())]) });

/** The conversation of a responses request as the messages of a chat. @throws GatewayError naming the item at fault */
export function chatMessages(instructions: string | null | undefined, input: string | Item[]): ChatMessage[] {
    const messages: ChatMessage[] = [];
    if (instructions) messages.push({ role: 'system', content: instructions });
    if (typeof input === 'string') messages.push({ role: 'user', content: input });
    else input.forEach((item, index) => addItem(messages, item, `input.${index}`));
    if (messages.length === 0) throw invalid('input', 'must not be empty');
    return messages;
}

function addItem(messages: ChatMessage[], item: Item, param: string): void {
    const { type = 'message' } = item;
    if (type === 'message') return addMessage(messages, item, param);
    if (type === 'function_call') return addCall(messages, item, param);
    if (type === 'function_call_output') return addOutput(messages, item, param);
    // Reasoning of an earlier turn, sent back with it: chat templates drop it as well.
    if (type === 'reasoning') return;
    if (type === 'item_reference')
        throw unsupported(
            param,
            `items are not kept here: send the item itself, and 'store': false where a library asks`,
        );
    throw unsupported(`${param}.type`, 'this kind of item is not supported: there are messages and function calls');
}

function addMessage(messages: ChatMessage[], { role, content }: Item, param: string): void {
    if (typeof role !== 'string' || !roles.has(role))
        throw invalid(`${param}.role`, `must be one of ${[...roles].join(', ')}`);
    messages.push({ role, content: contentParts(content, `${param}.content`) });
}

/** Calls that follow each other, or a text of the assistant's, belong to one message. */
function addCall(messages: ChatMessage[], item: Item, param: string): void {
    const { call_id: id, name, arguments: text } = parse(functionCall, item, param);
    const call: ToolCall = { id, type: 'function', function: { name, arguments: text } };
    const last = messages.at(-1);
    if (last?.role === 'assistant') last.tool_calls = [...(last.tool_calls ?? []), call];
    else messages.push({ role: 'assistant', content: null, tool_calls: [call] });
}

function addOutput(messages: ChatMessage[], item: Item, param: string): void {
    const { call_id: id, output } = parse(functionOutput, item, param);
    messages.push({ role: 'tool', tool_call_id: id, content: contentParts(output, `${param}.output`) });
}

function parse<T extends z.ZodType>(schema: T, item: Item, param: string): z.output<T> {
    const parsed = schema.safeParse(item);
    if (parsed.success) return parsed.data;
    const issue = parsed.error.issues[0]!;
    throw invalid([param, ...issue.path.map(String)].join('.'), issue.message);
}
