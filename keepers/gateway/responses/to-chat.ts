import { chatMessages } from './input-items';
import { isGiven, type ResponsesFields } from './request-fields';
import { chatResponseFormat, chatToolChoice, chatTools } from './tool-fields';

/** Fields that mean nothing to an engine, or that the chat spells in another way. */
const consumed = new Set([
    'input',
    'instructions',
    'stream',
    'stream_options',
    'max_output_tokens',
    'tools',
    'tool_choice',
    'text',
    'reasoning',
    'include',
    'top_logprobs',
    'metadata',
    'store',
    'background',
    'truncation',
    'service_tier',
    'previous_response_id',
    'conversation',
    'prompt',
    'max_tool_calls',
]);

/** The chat request that says the same; fields that are no part of either go along. */
export function chatRequestOf(fields: ResponsesFields): Buffer {
    const passed = Object.fromEntries(Object.entries(fields).filter(([name]) => !consumed.has(name)));
    const chat = {
        ...passed,
        messages: chatMessages(fields.instructions, fields.input),
        ...(isGiven(fields.max_output_tokens) && { max_tokens: fields.max_output_tokens }),
        ...toolsOf(fields),
        ...textOf(fields),
        ...(isGiven(fields.reasoning?.effort) && { reasoning_effort: fields.reasoning!.effort }),
        ...logprobsOf(fields),
        ...(fields.stream === true && { stream: true, stream_options: { include_usage: true } }),
    };
    return Buffer.from(JSON.stringify(chat));
}

function toolsOf({ tools, tool_choice: choice }: ResponsesFields): object {
    // An empty list says as much as none, and some engines refuse it.
    if (!isGiven(tools) || tools!.length === 0) return {};
    return { tools: chatTools(tools!), ...(isGiven(choice) && { tool_choice: chatToolChoice(choice!) }) };
}

function textOf({ text }: ResponsesFields): object {
    const { format, verbosity } = text ?? {};
    return {
        // Plain text is what a chat answers unless told otherwise.
        ...(isGiven(format) && format!.type !== 'text' && { response_format: chatResponseFormat(format!) }),
        ...(isGiven(verbosity) && { verbosity }),
    };
}

function logprobsOf({ include, top_logprobs: top }: ResponsesFields): object {
    const wanted = include?.includes('message.output_text.logprobs') === true || (top ?? 0) > 0;
    return wanted ? { logprobs: true, ...(isGiven(top) && { top_logprobs: top }) } : {};
}
