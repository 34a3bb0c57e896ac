import type { ResponsesFields } from './request-fields';

export type ResponseStatus = 'in_progress' | 'completed' | 'incomplete';

export interface ResponseOutcome {
    status: ResponseStatus;
    incompleteReason?: string;
    output: readonly object[];
    usage: unknown;
}

/** The response object of one request: what was asked for, said back, and what has come of it so far. */
export class ResponseObject {
    constructor(
        private readonly fields: ResponsesFields,
        private readonly identity: { id: string; createdAtSec: number; model: string },
    ) {}

    show({ status, incompleteReason, output, usage }: ResponseOutcome): object {
        const { id, createdAtSec, model } = this.identity;
        return {
            id,
            object: 'response',
            created_at: createdAtSec,
            status,
            background: false,
            error: null,
            incomplete_details: incompleteReason === undefined ? null : { reason: incompleteReason },
            ...this.asked(),
            model,
            output,
            previous_response_id: null,
            store: false,
            truncation: 'disabled',
            usage: responseUsage(usage),
        };
    }

    private asked(): object {
        const { fields } = this;
        return {
            instructions: fields.instructions ?? null,
            max_output_tokens: fields.max_output_tokens ?? null,
            metadata: fields.metadata ?? {},
            parallel_tool_calls: fields.parallel_tool_calls ?? true,
            reasoning: { effort: fields.reasoning?.effort ?? null, summary: null },
            service_tier: 'default',
            temperature: fields.temperature ?? null,
            text: { format: fields.text?.format ?? { type: 'text' } },
            tool_choice: fields.tool_choice ?? 'auto',
            tools: fields.tools ?? [],
            top_logprobs: fields.top_logprobs ?? 0,
            top_p: fields.top_p ?? null,
            user: fields.user ?? null,
        };
    }
}

interface ChatUsage {
    prompt_tokens?: number;
    completion_tokens?: number;
    total_tokens?: number;
    prompt_tokens_details?: { cached_tokens?: number | null } | null;
    completion_tokens_details?: { reasoning_tokens?: number | null } | null;
}

function responseUsage(usage: unknown): object | null {
    if (typeof usage !== 'object' || usage === null) return null;
    const chat = usage as ChatUsage;
    const [inputTokens, outputTokens] = [chat.prompt_tokens ?? 0, chat.completion_tokens ?? 0];
    return {
        input_tokens: inputTokens,
        input_tokens_details: { cached_tokens: chat.prompt_tokens_details?.cached_tokens ?? 0 },
        output_tokens: outputTokens,
        output_tokens_details: { reasoning_tokens: chat.completion_tokens_details?.reasoning_tokens ?? 0 },
        total_tokens: chat.total_tokens ?? inputTokens + outputTokens,
    };
}
