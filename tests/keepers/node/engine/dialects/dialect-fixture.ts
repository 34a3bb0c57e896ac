import type { DialectName } from '../../../../../keepers/node/engine';

/** What a scripted engine is to say, whatever its dialect. */
export interface Scripted {
    model: string;
    pieces: string[];
    reasoning?: string;
    /** Arguments in the pieces they are streamed in. */
    toolCall?: { name: string; arguments: string[] };
    logprobs?: boolean;
    choices?: number;
    prompt: number;
    cached: number;
    /** Of each choice. */
    completion: number;
    reasoningTokens: number;
}

export interface Asked {
    stream?: boolean;
    stream_options?: { include_usage?: boolean; continuous_usage_stats?: boolean };
    [field: string]: unknown;
}

/** One engine's way of speaking, written from its sources. */
export interface DialectFixture {
    name: DialectName;
    /** Repository, path and commit of what this was written from. */
    sources: string[];
    contextLength: number;
    /** What its capacity routes tell, if they do. */
    concurrency: number | undefined;
    /** Cached and reasoning tokens that this engine spells. */
    tells: { cached: boolean; reasoning: boolean };
    routes: Record<string, unknown>;
    /** The events of a stream in order, without their `data: `. */
    events(script: Scripted, asked: Asked): string[];
    whole(script: Scripted): unknown;
    refusal: { status: number; body: unknown; message: string };
    /** The event that a failure in mid-stream ends in; undefined where the stream just breaks off. */
    failure: string | undefined;
    /** Under which key a prompt of this request is cached; undefined when it is not. */
    cacheKey(asked: Asked): string | undefined;
    /** Keeps one prompt alone. */
    singleSlot: boolean;
    /** What an answer in one piece heeds: the closed connection, or a request of its own. */
    stopsBy: 'disconnect' | 'abort_request';
}

export const seconds = 1_763_856_000;
export const spelled = (value: unknown) => JSON.stringify(value);
