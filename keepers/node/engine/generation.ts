import type { LlamaContextSequence, SequenceEvaluateOptions, Token, TokenBias } from 'node-llama-cpp' with {
    'resolution-mode': 'import',
};
import { AnswerText } from './answer-text';
import { throwIfAborted } from './errors';
import { TokenDecoder } from './token-decoder';

export interface GenerationOptions {
    promptTokens: readonly Token[];
    maxTokens: number;
    stop: readonly string[];
    sampling: Sampling;
    tokenBias: TokenBias;
    signal: AbortSignal;
}

export interface Sampling {
    temperature: number;
    topP: number;
    seed: number;
    frequencyPenalty: number;
    presencePenalty: number;
}

export type GenerationStep =
    { type: 'text'; text: string; tokens: number } | { type: 'end'; finishReason: 'stop' | 'length'; tokens: number };

/** A long prompt is read in pieces of this many tokens, so that a cancellation is heard in between. */
const PREFILL_TOKENS = 128;

/**
 * Generates one answer. `tokens` counts every token sampled so far, the end marker excepted.
 * The sequence is cleared before and after: no client's prompt stays for the next one to be timed against.
 */
export async function* generate(
    sequence: LlamaContextSequence,
    options: GenerationOptions,
): AsyncGenerator<GenerationStep> {
    const text = new AnswerText(options.stop);
    const decoder = new TokenDecoder(sequence.model, options.promptTokens);
    const answer: Token[] = [];
    try {
        const lastToken = await prefill(sequence, options);
        for await (const token of sequence.evaluate([lastToken], evaluateOptions(options, answer))) {
            throwIfAborted(options.signal);
            if (sequence.model.isEogToken(token)) break;
            answer.push(token);
            const ready = text.push(decoder.push(token));
            if (ready !== '') yield { type: 'text', text: ready, tokens: answer.length };
            throwIfAborted(options.signal);
            if (text.stopped || answer.length >= options.maxTokens) break;
        }
        const rest = text.push(decoder.finish()) + text.finish();
        if (rest !== '') yield { type: 'text', text: rest, tokens: answer.length };
        const finishReason = !text.stopped && answer.length >= options.maxTokens ? 'length' : 'stop';
        yield { type: 'end', finishReason, tokens: answer.length };
    } finally {
        if (!sequence.disposed) await sequence.clearHistory();
    }
}

/** Reads all of the prompt but its last token, which the first answer token is sampled after. */
async function prefill(sequence: LlamaContextSequence, options: GenerationOptions): Promise<Token> {
    const tokens = [...options.promptTokens];
    const lastToken = tokens.pop();
    if (lastToken === undefined) throw new RangeError('a prompt has at least its begin token');
    await sequence.clearHistory();
    for (let at = 0; at < tokens.length; at += PREFILL_TOKENS) {
        throwIfAborted(options.signal);
        await sequence.evaluateWithoutGeneratingNewTokens(tokens.slice(at, at + PREFILL_TOKENS));
    }
    throwIfAborted(options.signal);
    return lastToken;
}

/** `answer` is read anew before every token: OpenAI's penalties look at all that was generated so far. */
function evaluateOptions(options: GenerationOptions, answer: Token[]): SequenceEvaluateOptions {
    const { temperature, topP, seed, frequencyPenalty, presencePenalty } = options.sampling;
    // An empty nucleus holds the likeliest token alone.
    const greedy = temperature === 0 || topP === 0;
    const penalised = frequencyPenalty !== 0 || presencePenalty !== 0;
    return {
        temperature: greedy ? 0 : temperature,
        topP: greedy ? 1 : topP,
        topK: 0,
        seed,
        tokenBias: options.tokenBias,
        yieldEogToken: true,
        ...(penalised
            ? {
                  repeatPenalty: {
                      punishTokens: () => answer,
                      maxPunishTokens: options.maxTokens,
                      penalty: 1,
                      frequencyPenalty,
                      presencePenalty,
                  },
              }
            : {}),
    };
}
