import { randomInt } from 'node:crypto';
import { basename } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { LlamaContextSequence, Token, TokenBias } from 'node-llama-cpp' with { 'resolution-mode': 'import' };
import { Engine, EngineEvent, EngineHealth, EngineModel, EngineRequest, EngineUsage } from './engine';
import { cancelled, EngineError } from './errors';
import { generate, GenerationStep, Sampling } from './generation';
import { GenerationRequest, parseChatRequest, parseCompletionRequest } from './generation-request';
import { LlamaRuntime, loadLlamaRuntime, tokenizePrompt } from './llama-runtime';
import { FinishedChoice, OpenAiAnswer } from './openai-answer';
import { SlotPool } from './slot-pool';

export interface LlamaCppOptions {
    /** A GGUF file. */
    modelPath: string;
    /** The name clients ask for; by default the file's, without its ending. */
    modelId?: string;
    /** Answers generated at once, each in a sequence of its own. */
    maxConcurrency?: number;
    /** Requests that may wait for a sequence before further ones are refused. */
    maxWaiting?: number;
    /** One is fastest for a small model: the threads of two busy cores mostly wait for each other. */
    threads?: number;
    contextLength?: number;
}

/** What llama.cpp's own server uses where a request says nothing. */
const DEFAULT_TEMPERATURE = 0.8;
const DEFAULT_TOP_P = 0.95;
const SEED_BITS = 32;
/** A reader that stopped reading without leaving cannot hold up the shutdown longer than this. */
const DRAIN_MS = 1_000;

/** llama.cpp in this process, behind OpenAI's chat and plain completions. */
export class LlamaCppEngine implements Engine {
    readonly maxConcurrency: number;
    readonly countsAsItGoes = true;
    private readonly slots: SlotPool<LlamaContextSequence>;
    private readonly running = new Set<AbortController>();
    private closed = false;

    private constructor(
        private readonly modelId: string,
        private readonly runtime: LlamaRuntime,
        maxWaiting: number,
    ) {
        this.maxConcurrency = runtime.sequences.length;
        this.slots = new SlotPool(runtime.sequences, maxWaiting);
    }

    /** Loads the model; takes under a second for a small one, longer than that for a real one. */
    static async open(options: LlamaCppOptions): Promise<LlamaCppEngine> {
        const { modelPath, maxConcurrency = 4, maxWaiting = 32, threads = 1, contextLength } = options;
        const runtime = await loadLlamaRuntime({ modelPath, sequences: maxConcurrency, threads, contextLength });
        return new LlamaCppEngine(options.modelId ?? basename(modelPath, '.gguf'), runtime, maxWaiting);
    }

    async describe(): Promise<EngineModel[]> {
        const capabilities = this.runtime.chatTemplate ? ['chat.completions', 'completions'] : ['completions'];
        return [{ id: this.modelId, contextLength: this.runtime.contextLength, capabilities }];
    }

    async health(): Promise<EngineHealth> {
        return this.closed ? { ok: false, detail: 'closed' } : { ok: true, detail: `serves ${this.modelId}` };
    }

    async close(): Promise<void> {
        if (this.closed) return;
        this.closed = true;
        const drained = this.slots.close();
        for (const controller of this.running) controller.abort();
        await Promise.race([drained, sleep(DRAIN_MS, undefined, { ref: false })]);
        await this.runtime.close();
    }

    async *run(request: EngineRequest, signal: AbortSignal): AsyncGenerator<EngineEvent> {
        if (this.closed) throw new EngineError('engine_unavailable', 'the engine is shut down');
        const parsed = this.parse(request);
        const promptTokens = this.tokenize(parsed);
        const maxTokens = this.budget(promptTokens.length, parsed);
        const sequence = await this.slots.acquire(signal);
        const stopping = new AbortController();
        this.running.add(stopping);
        try {
            const either = AbortSignal.any([signal, stopping.signal]);
            const { neverBegin } = this.runtime;
            const task = { request: parsed, promptTokens, maxTokens, tokenBias: neverBegin, signal: either };
            yield* parsed.stream ? streamAnswer(sequence, task) : wholeAnswer(sequence, task);
        } catch (error) {
            throw this.explain(error, signal);
        } finally {
            this.running.delete(stopping);
            this.slots.release(sequence);
        }
    }

    private parse(request: EngineRequest): GenerationRequest {
        const parsed = parseByPath(request);
        if (parsed.model === this.modelId) return parsed;
        throw new EngineError('model_not_found', `this engine serves ${this.modelId} only`, { param: 'model' });
    }

    private tokenize(request: GenerationRequest): Token[] {
        const { model, chatTemplate } = this.runtime;
        if (request.kind === 'completion') return tokenizePrompt(model, [{ text: request.prompt, typed: true }]);
        if (chatTemplate) return tokenizePrompt(model, chatTemplate.render(request.messages));
        throw new EngineError('unsupported_parameter', 'this model has no chat template', { param: 'messages' });
    }

    /** Checked here with figures: llama.cpp itself would cut a prompt that is too long and say nothing. */
    private budget(promptTokens: number, request: GenerationRequest): number {
        const { contextLength } = this.runtime;
        const wanted = request.maxTokens;
        const param = request.kind === 'chat' ? 'messages' : 'prompt';
        if (promptTokens === 0) throw new EngineError('invalid_request', 'the prompt is empty', { param });
        const room = contextLength - promptTokens;
        if (room >= (wanted ?? 1)) return wanted ?? room;
        const asked = wanted === undefined ? '' : ` and ${wanted} for the answer`;
        const message = `the model's context holds ${contextLength} tokens, the request needs ${promptTokens} for the prompt${asked}`;
        throw new EngineError('context_length_exceeded', message, { param: room >= 1 ? 'max_tokens' : param });
    }

    private explain(error: unknown, signal: AbortSignal): EngineError {
        if (signal.aborted) return cancelled(signal);
        if (this.closed) return new EngineError('engine_unavailable', 'the engine is shutting down', { cause: error });
        if (error instanceof EngineError) return error;
        return new EngineError('engine_failed', 'llama.cpp failed in mid-answer', { cause: error });
    }
}

function parseByPath({ method, path, body }: EngineRequest): GenerationRequest {
    if (method === 'POST' && path === '/v1/chat/completions') return parseChatRequest(body);
    if (method === 'POST' && path === '/v1/completions') return parseCompletionRequest(body);
    throw new EngineError('invalid_request', `this engine does not serve ${method} ${path}`);
}

interface Task {
    request: GenerationRequest;
    promptTokens: readonly Token[];
    maxTokens: number;
    tokenBias: TokenBias;
    signal: AbortSignal;
}

async function* wholeAnswer(sequence: LlamaContextSequence, task: Task): AsyncGenerator<EngineEvent> {
    const choices: FinishedChoice[] = [];
    let usage = usageOf(task, 0);
    for await (const { index, step, used } of generateChoices(sequence, task)) {
        const choice = (choices[index] ??= { text: '', finishReason: 'stop' });
        if (step.type === 'text') choice.text += step.text;
        else choice.finishReason = step.finishReason;
        usage = used;
    }
    yield { type: 'head', status: 200, headers: { 'content-type': 'application/json' } };
    yield { type: 'chunk', data: new OpenAiAnswer(task.request, Date.now()).whole(choices, usage), usage };
    yield { type: 'end', usage };
}

async function* streamAnswer(sequence: LlamaContextSequence, task: Task): AsyncGenerator<EngineEvent> {
    const answer = new OpenAiAnswer(task.request, Date.now());
    const headers = { 'content-type': 'text/event-stream; charset=utf-8', 'cache-control': 'no-cache' };
    yield { type: 'head', status: 200, headers };
    let usage = usageOf(task, 0);
    let opened = -1;
    for await (const { index, step, used } of generateChoices(sequence, task)) {
        const opening = index > opened ? answer.opening(index) : Buffer.alloc(0);
        opened = index;
        usage = used;
        const event = step.type === 'text' ? answer.text(index, step.text) : answer.closing(index, step.finishReason);
        yield { type: 'chunk', data: Buffer.concat([opening, event]), usage };
    }
    yield { type: 'chunk', data: answer.ending(usage), usage };
    yield { type: 'end', usage };
}

/** The choices of one request, one after the other; the prompt is counted once, as OpenAI does. */
async function* generateChoices(
    sequence: LlamaContextSequence,
    task: Task,
): AsyncGenerator<{ index: number; step: GenerationStep; used: EngineUsage }> {
    const seed = task.request.seed ?? randomInt(2 ** SEED_BITS);
    let finishedTokens = 0;
    for (let index = 0; index < task.request.choices; index++) {
        const { promptTokens, maxTokens, tokenBias, signal } = task;
        const sampling = samplingOf(task.request, seed + index);
        const options = { promptTokens, maxTokens, tokenBias, signal, stop: task.request.stop, sampling };
        let tokens = 0;
        for await (const step of generate(sequence, options)) {
            tokens = step.tokens;
            yield { index, step, used: usageOf(task, finishedTokens + tokens) };
        }
        finishedTokens += tokens;
    }
}

function samplingOf(request: GenerationRequest, seed: number): Sampling {
    return {
        temperature: request.temperature ?? DEFAULT_TEMPERATURE,
        topP: request.topP ?? DEFAULT_TOP_P,
        seed: Number(BigInt.asUintN(SEED_BITS, BigInt(seed))),
        frequencyPenalty: request.frequencyPenalty,
        presencePenalty: request.presencePenalty,
    };
}

/** Nothing is cached: a cache shared between clients would tell one what another asked. */
function usageOf(task: Task, completionTokens: number): EngineUsage {
    return {
        promptTokens: task.promptTokens.length,
        cachedPromptTokens: 0,
        completionTokens,
        reasoningTokens: 0,
    };
}
