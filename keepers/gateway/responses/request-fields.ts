import { z } from 'zod';
import { parseJson } from '../request-shape';
import { invalid, unsupported } from './refuse';

const object = z.record(z.string(), z.unknown());

/** The fields of a responses request that are read here; all others go to the engine untouched. */
const responsesFields = z.looseObject({
    input: z.union([z.string(), z.array(object)], 'must be a text or a list of items'),
    instructions: z.string('must be a text').nullish(),
    stream: z.boolean('must be true or false').nullish(),
    stream_options: object.nullish(),
    max_output_tokens: z.int('must be a whole number').min(1, 'must be at least 1').nullish(),
    tools: z.array(object, 'must be a list').nullish(),
    tool_choice: z.union([z.string(), object], 'must be a text or an object').nullish(),
    parallel_tool_calls: z.boolean('must be true or false').nullish(),
    text: z
        .looseObject({ format: z.looseObject({ type: z.string() }).nullish(), verbosity: z.unknown().optional() })
        .nullish(),
    reasoning: z.looseObject({ effort: z.unknown().optional(), summary: z.unknown().optional() }).nullish(),
    include: z.array(z.string(), 'must be a list of texts').nullish(),
    top_logprobs: z.int('must be a whole number').min(0).max(20).nullish(),
    temperature: z.number('must be a number').nullish(),
    top_p: z.number('must be a number').nullish(),
    metadata: z.record(z.string(), z.string(), 'must be an object of texts').nullish(),
    store: z.boolean('must be true or false').nullish(),
    background: z.boolean('must be true or false').nullish(),
    truncation: z.string().nullish(),
    service_tier: z.string().nullish(),
    user: z.unknown().optional(),
    safety_identifier: z.unknown().optional(),
    previous_response_id: z.unknown().optional(),
    conversation: z.unknown().optional(),
    prompt: z.unknown().optional(),
    max_tool_calls: z.unknown().optional(),
});
export type ResponsesFields = z.output<typeof responsesFields>;

/** @throws GatewayError naming the field at fault */
export function readResponsesFields(body: Buffer): ResponsesFields {
    const parsed = responsesFields.safeParse(parseJson(body));
    if (!parsed.success) {
        const issue = parsed.error.issues[0]!;
        throw invalid(issue.path.map(String).join('.') || 'body', issue.message);
    }
    refuseState(parsed.data);
    refuseValues(parsed.data);
    return parsed.data;
}

/** Whatever would have this gateway remember something: it forgets a prompt when it is answered. */
function refuseState(fields: ResponsesFields): void {
    const remembered = ['previous_response_id', 'conversation'].find((name) => isGiven(fields[name]));
    if (remembered !== undefined)
        throw unsupported(remembered, `responses are not kept here: send the whole conversation in 'input'`);
    if (fields.store === true)
        throw unsupported('store', `responses are not kept here: leave 'store' out or set it to false`);
    if (fields.background === true)
        throw unsupported('background', `responses are not kept here: wait for the answer, or stream it`);
    if (isGiven(fields.prompt))
        throw unsupported('prompt', `prompt templates are not kept here: send 'instructions' and 'input'`);
}

/** What may be included; reasoning comes in clear anyway, so there is nothing encrypted to add. */
const includable = new Set(['message.output_text.logprobs', 'reasoning.encrypted_content']);
const tiers = new Set(['auto', 'default']);

function refuseValues(fields: ResponsesFields): void {
    if (isGiven(fields.truncation) && fields.truncation !== 'disabled')
        throw unsupported('truncation', `an input that does not fit is refused: only 'disabled' is supported`);
    if (isGiven(fields['n']) && fields['n'] !== 1)
        throw unsupported('n', `a response has one output: ask /v1/chat/completions for several choices`);
    if (isGiven(fields.max_tool_calls))
        throw unsupported('max_tool_calls', `it limits built-in tools, and there are none here`);
    if (isGiven(fields.service_tier) && !tiers.has(fields.service_tier!))
        throw unsupported('service_tier', `there is one tier: leave 'service_tier' out`);
    const other = fields.include?.find((name) => !includable.has(name));
    if (other !== undefined) throw unsupported('include', `it may name ${[...includable].join(' and ')} only`);
    const summary = fields.reasoning?.summary;
    if (isGiven(summary) && summary !== 'auto')
        throw unsupported('reasoning.summary', `reasoning is not summarised: leave it out or set it to 'auto'`);
}

export function isGiven(value: unknown): boolean {
    return value !== undefined && value !== null;
}
