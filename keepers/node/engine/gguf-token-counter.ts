import type { LlamaModel } from 'node-llama-cpp' with { 'resolution-mode': 'import' };
import type { ChatTemplate } from './chat-template';
import type { EngineRequest } from './engine';
import { EngineError } from './errors';
import { parseChatRequest, parseCompletionRequest } from './generation-request';
import { loadVocabulary, tokenizePrompt } from './llama-runtime';
import type { TokenCounter } from './text-usage';

/** Counts with the vocabulary and chat template of a GGUF file; its weights stay on the disk. */
export class GgufTokenCounter implements TokenCounter {
    private constructor(
        private readonly model: LlamaModel,
        private readonly chatTemplate: ChatTemplate | undefined,
        readonly close: () => Promise<void>,
    ) {}

    static async open(modelPath: string): Promise<GgufTokenCounter> {
        const { model, chatTemplate, close } = await loadVocabulary(modelPath);
        return new GgufTokenCounter(model, chatTemplate, close);
    }

    /** Tools, images and what else llama.cpp here does not take may add tokens that no template of ours shows. */
    promptTokens(request: EngineRequest): number | undefined {
        try {
            return this.tokens(request);
        } catch (error) {
            if (error instanceof EngineError) return undefined;
            throw error;
        }
    }

    textTokens(text: string): number {
        return this.model.tokenize(text, false).length;
    }

    private tokens({ path, body }: EngineRequest): number | undefined {
        if (path === '/v1/completions') {
            const { prompt } = parseCompletionRequest(body);
            return tokenizePrompt(this.model, [{ text: prompt, typed: true }]).length;
        }
        if (path !== '/v1/chat/completions' || this.chatTemplate === undefined) return undefined;
        return tokenizePrompt(this.model, this.chatTemplate.render(parseChatRequest(body).messages)).length;
    }
}
