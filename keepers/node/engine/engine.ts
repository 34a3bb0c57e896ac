/** What a node serves one of: a model behind an OpenAI-shaped request. Every engine meters exactly or fails. */
export interface EngineModel {
    id: string;
    /** Prompt and answer together, in the model's own tokens. */
    contextLength: number;
    /** For example 'chat.completions', 'completions', 'embeddings'. */
    capabilities: readonly string[];
}

export interface EngineUsage {
    promptTokens: number;
    /** The part of `promptTokens` the engine found in its cache. */
    cachedPromptTokens: number;
    completionTokens: number;
    /** The part of `completionTokens` spent on reasoning. */
    reasoningTokens: number;
}

/** An OpenAI request exactly as the client sent it; `path` like '/v1/chat/completions'. */
export interface EngineRequest {
    method: 'POST' | 'GET';
    path: string;
    headers: Record<string, string>;
    body: Buffer;
    /** Of the client and its conversation: what an engine caches under one salt must serve no request of another. */
    cacheSalt?: string;
}

export type EngineEvent =
    /** First, exactly once. */
    | { type: 'head'; status: number; headers: Record<string, string> }
    /** Body bytes as OpenAI would send them; `usage` is the running count where the engine knows it. */
    | { type: 'chunk'; data: Buffer; usage?: EngineUsage }
    /** Last, exactly once; an engine's own 4xx answer ends with nothing used. */
    | { type: 'end'; usage: EngineUsage };

export interface Engine {
    readonly maxConcurrency: number;
    /** Every chunk of a stream carries the running count. */
    readonly countsAsItGoes?: boolean;
    describe(signal: AbortSignal): Promise<EngineModel[]>;
    /**
     * Throws `EngineError`: before `head` for the caller's faults, later when the engine fails.
     * Aborting stops the engine within a second. Read to the end, or `return()` the iterator, or abort.
     */
    run(request: EngineRequest, signal: AbortSignal): AsyncIterable<EngineEvent>;
    health(signal: AbortSignal): Promise<EngineHealth>;
    close(): Promise<void>;
}

export interface EngineHealth {
    ok: boolean;
    detail: string;
}

export const NOTHING_USED: EngineUsage = Object.freeze({
    promptTokens: 0,
    cachedPromptTokens: 0,
    completionTokens: 0,
    reasoningTokens: 0,
});
