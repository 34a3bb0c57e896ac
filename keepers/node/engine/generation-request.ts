import { z } from 'zod';
import { EngineError } from './errors';
import { parseFields } from './request-body';
import { refuseUnsupported, refuseUnsupportedMessages } from './unsupported-parameters';

/** What the embedded engine was asked for, after every field was either understood or refused. */
export interface GenerationRequest {
    kind: 'chat' | 'completion';
    model: string;
    messages: ChatMessage[];
    prompt: string;
    maxTokens: number | undefined;
    temperature: number | undefined;
    topP: number | undefined;
    seed: number | undefined;
    stop: string[];
    choices: number;
    frequencyPenalty: number;
    presencePenalty: number;
    stream: boolean;
    includeUsage: boolean;
}

export interface ChatMessage {
    role: 'system' | 'user' | 'assistant';
    content: string;
}

/** OpenAI's own default for /v1/completions; chat runs to the end of the context. */
const COMPLETION_MAX_TOKENS = 16;
const MAX_CHOICES = 4;
const MAX_STOPS = 4;

const tokenLimit = z.number().int().positive();
const penalty = z.number().min(-2).max(2);
const stopString = z.string().min(1).max(256);

const commonFields = {
    model: z.string(),
    temperature: z.number().min(0).max(2).nullish(),
    top_p: z.number().min(0).max(1).nullish(),
    seed: z.number().int().nullish(),
    stop: z.union([stopString, z.array(stopString).max(MAX_STOPS)]).nullish(),
    n: z.number().int().min(1).max(MAX_CHOICES).nullish(),
    frequency_penalty: penalty.nullish(),
    presence_penalty: penalty.nullish(),
    max_tokens: tokenLimit.nullish(),
    stream: z.boolean().nullish(),
    stream_options: z.object({ include_usage: z.boolean().nullish() }).nullish(),
};

const textPart = z.object({ type: z.literal('text'), text: z.string() });
const content = z.union([z.string(), z.array(textPart).transform((parts) => parts.map((part) => part.text).join(''))]);
const role = z.enum(['system', 'developer', 'user', 'assistant']);
/** With the empty fields of an answer of ours, which clients send back as history. */
const message = z.strictObject({
    role,
    content,
    name: z.string().nullish(),
    refusal: z.null().optional(),
    annotations: z.tuple([]).nullish(),
    audio: z.null().optional(),
    function_call: z.null().optional(),
    tool_calls: z.tuple([]).nullish(),
});

const chatSchema = z.object({
    ...commonFields,
    messages: z.array(message).min(1),
    max_completion_tokens: tokenLimit.nullish(),
});
const completionSchema = z.object({
    ...commonFields,
    prompt: z.union([z.string(), z.tuple([z.string()]).transform(([only]) => only)]),
});

type CommonFields = z.infer<z.ZodObject<typeof commonFields>>;

export function parseChatRequest(body: Buffer): GenerationRequest {
    const fields = parseFields(body);
    refuseUnsupported(fields, Object.keys(chatSchema.shape));
    refuseUnsupportedMessages(fields.messages);
    const request = validate(chatSchema, fields);
    const messages = request.messages.map(({ role, content }) => ({
        role: role === 'developer' ? ('system' as const) : role,
        content,
    }));
    const maxTokens = request.max_completion_tokens ?? request.max_tokens ?? undefined;
    return { kind: 'chat', messages, prompt: '', ...common(request), maxTokens };
}

export function parseCompletionRequest(body: Buffer): GenerationRequest {
    const fields = parseFields(body);
    refuseUnsupported(fields, Object.keys(completionSchema.shape));
    const request = validate(completionSchema, fields);
    const maxTokens = request.max_tokens ?? COMPLETION_MAX_TOKENS;
    return { kind: 'completion', messages: [], prompt: request.prompt, ...common(request), maxTokens };
}

function common(request: CommonFields) {
    return {
        model: request.model,
        temperature: request.temperature ?? undefined,
        topP: request.top_p ?? undefined,
        seed: request.seed ?? undefined,
        stop: typeof request.stop === 'string' ? [request.stop] : (request.stop ?? []),
        choices: request.n ?? 1,
        frequencyPenalty: request.frequency_penalty ?? 0,
        presencePenalty: request.presence_penalty ?? 0,
        stream: request.stream ?? false,
        includeUsage: request.stream_options?.include_usage ?? false,
    };
}

/** Names the field and what was expected there; never what was sent, which may be a prompt. */
function validate<T extends z.ZodType>(schema: T, fields: Record<string, unknown>): z.infer<T> {
    const parsed = schema.safeParse(fields);
    if (parsed.success) return parsed.data;
    const issue = parsed.error.issues[0];
    const param = issue?.path.map(String).join('.') ?? '';
    throw new EngineError('invalid_request', `${param}: ${issue?.message ?? 'invalid'}`, { param });
}
