import { inspect } from 'node:util';
import { EngineError } from '../../../../keepers/node/engine';
import { parseChatRequest, parseCompletionRequest } from '../../../../keepers/node/engine/generation-request';

const messages = [{ role: 'user', content: 'a secret' }];
const chat = (more: object) => parseChatRequest(Buffer.from(JSON.stringify({ model: 'm', messages, ...more })));
const complete = (more: object) =>
    parseCompletionRequest(Buffer.from(JSON.stringify({ model: 'm', prompt: 'a secret', ...more })));

function refusal(act: () => unknown): EngineError {
    try {
        act();
    } catch (error) {
        if (error instanceof EngineError) return error;
    }
    throw new Error('not refused');
}

describe('a request to the embedded engine', () => {
    it('is understood in every field', () => {
        const request = chat({
            max_completion_tokens: 9,
            max_tokens: 8,
            temperature: 0.5,
            top_p: 0.4,
            seed: 3,
            stop: 'end',
            n: 2,
            frequency_penalty: 1,
            presence_penalty: -1,
            stream: true,
            stream_options: { include_usage: true },
        });
        expect(request).toMatchObject({
            ...{ maxTokens: 9, temperature: 0.5, topP: 0.4, seed: 3, stop: ['end'], choices: 2 },
            ...{ frequencyPenalty: 1, presencePenalty: -1, stream: true, includeUsage: true },
        });
    });

    it('may name parameters whose value changes nothing', () => {
        const harmless = {
            ...{ logprobs: false, tools: [], tool_choice: 'none', logit_bias: {}, store: false, user: 'u' },
            ...{ response_format: { type: 'text' }, modalities: ['text'], service_tier: 'auto', audio: null },
        };
        expect(chat(harmless).messages).toEqual(messages);
        expect(complete({ echo: false, best_of: 1, suffix: '', logprobs: null }).prompt).toBe('a secret');
    });

    it.each([
        ['tools', { tools: [{ type: 'function' }] }],
        ['tool_choice', { tool_choice: 'required' }],
        ['logprobs', { logprobs: true }],
        ['response_format', { response_format: { type: 'json_schema' } }],
        ['logit_bias', { logit_bias: { 5: 100 } }],
        ['reasoning_effort', { reasoning_effort: 'high' }],
        ['store', { store: true }],
        ['audio', { audio: { voice: 'x' } }],
        ['top_k', { top_k: 5 }],
        ['constructor', { constructor: 1 }],
        ['messages.0.content.0', { messages: [{ role: 'user', content: [{ type: 'image_url', image_url: {} }] }] }],
        ['messages.0.role', { messages: [{ role: 'tool', content: 'x', tool_call_id: '1' }] }],
        ['messages.0.tool_calls', { messages: [{ role: 'assistant', content: 'x', tool_calls: [{}] }] }],
    ])('is refused as unsupported for %s', (param, more) => {
        expect(refusal(() => chat(more))).toMatchObject({ code: 'unsupported_parameter', status: 400, param });
    });

    it.each([
        ['echo', { echo: true }],
        ['suffix', { suffix: 'x' }],
        ['best_of', { best_of: 3 }],
    ])('is refused as an unsupported completion for %s', (param, more) => {
        expect(refusal(() => complete(more))).toMatchObject({ code: 'unsupported_parameter', param });
    });

    it.each([
        ['messages', { messages: [] }],
        ['messages', { messages: 'a secret' }],
        ['messages.0.role', { messages: [{ role: 'wizard', content: 'a secret' }] }],
        ['messages.0.content', { messages: [{ role: 'user' }] }],
        ['temperature', { temperature: 2.1 }],
        ['max_tokens', { max_tokens: 0 }],
        ['n', { n: 5 }],
        ['stop', { stop: [''] }],
        ['seed', { seed: 1.5 }],
        ['stream', { stream: 'true' }],
        ['model', { model: 7 }],
    ])('is refused as invalid for %s', (param, more) => {
        const error = refusal(() => chat(more));
        expect(error).toMatchObject({ code: 'invalid_request', status: 400 });
        expect(error.param).toContain(param);
        expect(inspect(error)).not.toContain('secret');
    });

    it.each([['not JSON, a secret'], ['[]'], ['"a secret"'], ['']])('is refused when its body is %j', (body) => {
        const error = refusal(() => parseChatRequest(Buffer.from(body)));
        expect(error).toMatchObject({ code: 'invalid_request' });
        expect(inspect(error)).not.toContain('secret');
    });
});
