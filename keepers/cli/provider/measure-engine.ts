import { type Engine, openEngine } from '../../node';
import { ProviderError } from './errors';
import type { NodeContext } from './node-context';

/** What an engine gave while all its places were taken. */
export interface Measured {
    model: string;
    places: number;
    answers: number;
    outputTokens: number;
    tookMs: number;
    tokensPerSecond: number;
}

export interface MeasureOptions {
    model: string;
    /** No answer begins later; those that have begun are read to their end. */
    durationMs?: number;
    onProgress?: (line: string) => void;
}

const defaultDurationMs = 10_000;
/** Short enough to end soon after, long enough that reading the prompt weighs little. */
const maxTokens = 128;
/** A place that hangs ends the measurement. */
const stuckMs = 120_000;
const progressMs = 2_000;

/**
 * Opens the engine of the configuration and measures it.
 * @throws ProviderError where that would load an embedded engine's model twice
 */
export async function measureConfigured(
    { config, deployment, running }: NodeContext,
    options: MeasureOptions,
): Promise<Measured> {
    if (running && config.engine.kind === 'llama-cpp')
        throw new ProviderError(
            'argument_invalid',
            '--measure loads the model, which the running node has loaded already: stop the node first, or pass --tokens-per-second',
        );
    const { engine } = await openEngine(config.engine, {
        rootPublicKey: Buffer.concat([Buffer.from([4]), deployment.rootPublicKey]),
        gpuRootPublicKey: deployment.gpuRootPublicKey,
    });
    try {
        return await measureEngine(engine, options);
    } finally {
        await engine.close();
    }
}

/** Keeps every place busy with one answer after another. @throws ProviderError, or what the engine throws */
export async function measureEngine(
    engine: Engine,
    { model, durationMs = defaultDurationMs, onProgress }: MeasureOptions,
): Promise<Measured> {
    const signal = AbortSignal.timeout(durationMs + stuckMs);
    const ask = await questionsFor(engine, model, signal);
    const places = engine.maxConcurrency;
    const startedMs = performance.now();
    const tookMs = () => performance.now() - startedMs;
    let [answers, outputTokens] = [0, 0];
    const rateIn = (elapsedMs: number) => (outputTokens * 1_000) / elapsedMs;
    const place = async (index: number): Promise<void> => {
        for (let turn = 0; turn === 0 || tookMs() < durationMs; turn++) {
            const tokens = await answerTo(engine, ask(`${index}.${turn}`), signal);
            outputTokens += tokens;
            answers += 1;
        }
    };
    const progress = setInterval(
        () => onProgress?.(`measuring ${model}: ${answers} answers, ${Math.round(rateIn(tookMs()))} tokens a second`),
        progressMs,
    );
    try {
        await Promise.all(Array.from({ length: places }, (_, index) => place(index)));
    } finally {
        clearInterval(progress);
    }
    if (outputTokens === 0) throw new ProviderError('argument_invalid', `${model} answered without a token`);
    const elapsedMs = Math.max(Math.round(tookMs()), 1);
    const tokensPerSecond = Math.round(rateIn(elapsedMs) * 10) / 10;
    return { model, places, answers, outputTokens, tookMs: elapsedMs, tokensPerSecond };
}

type Ask = (label: string) => { path: string; body: Buffer };

/** Each question is another one from its first word on, so that no cached prefix flatters the engine. */
async function questionsFor(engine: Engine, model: string, signal: AbortSignal): Promise<Ask> {
    const models = await engine.describe(signal);
    const known = models.find(({ id }) => id === model);
    const served = models.map(({ id }) => id).join(', ');
    if (known === undefined)
        throw new ProviderError('argument_invalid', `the engine serves ${served || 'no model'}, not ${model}`);
    const text = (label: string) => `${label}: tell me at length how a ship is built.`;
    const request = (path: string, fields: object) => ({
        path,
        body: Buffer.from(JSON.stringify({ model, max_tokens: maxTokens, ...fields })),
    });
    if (known.capabilities.includes('chat.completions'))
        return (label) => request('/v1/chat/completions', { messages: [{ role: 'user', content: text(label) }] });
    if (known.capabilities.includes('completions'))
        return (label) => request('/v1/completions', { prompt: text(label) });
    throw new ProviderError('argument_invalid', `${model} writes no text: pass --tokens-per-second`);
}

/** Output tokens, by the engine's own count. */
async function answerTo(engine: Engine, ask: ReturnType<Ask>, signal: AbortSignal): Promise<number> {
    for await (const event of engine.run({ method: 'POST', headers: {}, ...ask }, signal)) {
        if (event.type === 'head' && event.status !== 200)
            throw new ProviderError('argument_invalid', `the engine refused to answer with status ${event.status}`);
        if (event.type === 'end') return event.usage.completionTokens;
    }
    throw new ProviderError('argument_invalid', 'the engine broke off');
}
