import { basename } from 'node:path';
import type { Llama, LlamaContext, LlamaContextSequence, LlamaModel, Token, TokenBias } from 'node-llama-cpp' with {
    'resolution-mode': 'import',
};
import { ChatTemplate, PromptPart } from './chat-template';
import { EngineError } from './errors';

export interface LlamaRuntimeOptions {
    modelPath: string;
    sequences: number;
    threads: number;
    /** Tokens a sequence; at most what the model was trained on, which is the default. */
    contextLength?: number | undefined;
}

/** A GGUF model in memory with its sequences, each of which runs one request at a time. */
export interface LlamaRuntime {
    model: LlamaModel;
    sequences: LlamaContextSequence[];
    contextLength: number;
    /** Undefined for a base model, which then serves completions alone. */
    chatTemplate: ChatTemplate | undefined;
    /** Keeps the begin marker out of answers: a model may well expect a new text, but nobody could read the token. */
    neverBegin: TokenBias;
    close(): Promise<void>;
}

export async function loadLlamaRuntime(options: LlamaRuntimeOptions): Promise<LlamaRuntime> {
    const llama = await startLlama(options.threads);
    try {
        const model = await llama.loadModel({ modelPath: options.modelPath });
        const contextLength = resolveContextLength(model, options.contextLength);
        const context = await model.createContext({
            sequences: options.sequences,
            contextSize: contextLength,
            threads: options.threads,
        });
        return {
            model,
            sequences: takeSequences(context, options.sequences),
            contextLength,
            chatTemplate: readChatTemplate(model),
            neverBegin: await forbidBegin(model),
            close: () => llama.dispose(),
        };
    } catch (cause) {
        await llama.dispose();
        if (cause instanceof EngineError) throw cause;
        throw new EngineError('engine_unavailable', `cannot load ${basename(options.modelPath)}`, { cause });
    }
}

/** The tokenizer of a GGUF file without its weights. */
export async function loadVocabulary(
    modelPath: string,
): Promise<Pick<LlamaRuntime, 'model' | 'chatTemplate' | 'close'>> {
    const llama = await startLlama(1);
    try {
        const model = await llama.loadModel({ modelPath, vocabOnly: true });
        return { model, chatTemplate: readChatTemplate(model), close: () => llama.dispose() };
    } catch (cause) {
        await llama.dispose();
        throw new EngineError('engine_unavailable', `cannot load the tokenizer of ${basename(modelPath)}`, { cause });
    }
}

async function startLlama(threads: number): Promise<Llama> {
    try {
        // An ES module with top-level await: only a dynamic import reaches it from here.
        const { getLlama, LlamaLogLevel } = await import('node-llama-cpp');
        // Never build, never download: a missing binary must fail, not start a compiler or reach for the network.
        return await getLlama({
            gpu: process.platform === 'darwin' && process.arch === 'arm64' ? 'auto' : false,
            build: 'never',
            skipDownload: true,
            progressLogs: false,
            maxThreads: threads,
            logLevel: LlamaLogLevel.error,
        });
    } catch (cause) {
        const platform = `${process.platform}-${process.arch}`;
        throw new EngineError('engine_unavailable', `no llama.cpp binary works on ${platform}`, { cause });
    }
}

function resolveContextLength(model: LlamaModel, wanted: number | undefined): number {
    const trained = model.trainContextSize;
    if (wanted === undefined || wanted <= trained) return wanted ?? trained;
    throw new EngineError('engine_unavailable', `the model was trained on ${trained} tokens, not ${wanted}`);
}

function takeSequences(context: LlamaContext, count: number): LlamaContextSequence[] {
    return Array.from({ length: count }, () => context.getSequence());
}

function readChatTemplate(model: LlamaModel): ChatTemplate | undefined {
    const source = model.fileInfo.metadata.tokenizer.chat_template;
    if (!source) return undefined;
    return new ChatTemplate(source, {
        bosText: model.tokens.bosString ?? '',
        eosText: model.tokens.eosString ?? '',
    });
}

/** Where one marker both begins and ends, TokenBias leaves it allowed, as it must. */
async function forbidBegin(model: LlamaModel): Promise<TokenBias> {
    const llamaCpp = await import('node-llama-cpp');
    const bias = llamaCpp.TokenBias.for(model);
    return model.tokens.bos === null ? bias : bias.set(model.tokens.bos, 'never');
}

/** Only the template's own text may name special tokens; typed text stays text, whatever it spells. */
export function tokenizePrompt(model: LlamaModel, parts: readonly PromptPart[]): Token[] {
    const tokens = parts.flatMap((part) => model.tokenize(part.text, !part.typed));
    const { bos, shouldPrependBosToken } = model.tokens;
    if (bos !== null && shouldPrependBosToken && tokens[0] !== bos) tokens.unshift(bos);
    return tokens;
}
