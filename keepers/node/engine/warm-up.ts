import type { Engine } from './engine';
import { EngineError } from './errors';

/** The smallest request of each kind. */
const smallest: Record<string, [path: string, fields: object]> = {
    'chat.completions': ['/v1/chat/completions', { messages: [{ role: 'user', content: '.' }], max_tokens: 1 }],
    completions: ['/v1/completions', { prompt: '.', max_tokens: 1 }],
    embeddings: ['/v1/embeddings', { input: '.' }],
};

/**
 * Asks each model for one token: weights are loaded, kernels compiled and graphs captured at the node's own cost, before
 * it offers capacity to anyone. Shows as well that the engine answers and says what it used.
 */
export async function warmUp(
    engine: Engine,
    models: readonly string[],
    { capabilities, signal }: { capabilities: readonly string[]; signal: AbortSignal },
): Promise<void> {
    const known = capabilities.map((capability) => smallest[capability]).find((request) => request !== undefined);
    if (known === undefined) return;
    const [path, fields] = known;
    for (const model of models) {
        const body = Buffer.from(JSON.stringify({ model, ...fields }));
        for await (const event of engine.run({ method: 'POST', path, headers: {}, body }, signal)) {
            if (event.type === 'head' && event.status !== 200)
                throw new EngineError(
                    'engine_failed',
                    `${model} refused its first request with status ${event.status}`,
                );
        }
    }
}
