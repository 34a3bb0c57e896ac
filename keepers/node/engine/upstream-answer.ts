import { EventStreamParser, type StreamEvent } from '../../base';
import type { DeliveredTokens } from './delivered-tokens';
import { EngineError } from './errors';
import { EngineEvent, EngineUsage, NOTHING_USED } from './engine';
import { collect } from './engine-api';
import { withoutMembers } from './json-members';
import { refusalBody } from './refusal-body';
import { isObject } from './request-body';
import { RunningUsage } from './running-usage';
import type { TextUsage } from './text-usage';
import { parseUsage } from './usage';

/** One event may carry a whole answer (`n` choices with log probabilities), but not without end. */
const MAX_EVENT_BYTES = 8 * 1024 * 1024;

type Bytes = AsyncIterable<Uint8Array>;

/** A refusal is the engine's own word to the client and costs nothing. */
export async function* relayRefusal(body: Bytes, maxBytes: number): AsyncGenerator<EngineEvent> {
    yield { type: 'chunk', data: refusalBody(await collect(body, maxBytes)) };
    yield { type: 'end', usage: NOTHING_USED };
}

export async function* relayWhole(body: Bytes, maxBytes: number, fallback?: TextUsage): AsyncGenerator<EngineEvent> {
    const data = await collect(body, maxBytes);
    const answer = parseJson(data.toString('utf8'));
    if (!isObject(answer)) throw usageMissing();
    fallback?.add(answer);
    const usage = parseUsage(answer.usage) ?? (isAbsent(answer.usage) ? fallback?.value : undefined);
    if (!usage) throw usageMissing();
    yield { type: 'chunk', data, usage };
    yield { type: 'end', usage };
}

export interface StreamCounts {
    clientWantsUsage: boolean;
    /** Counts where the engine does not. */
    fallback?: TextUsage;
    /** Where the engine counts at the end alone. */
    delivered?: DeliveredTokens;
}

/** One that breaks off says last what it had used at least, where the engine has not counted yet. */
export async function* relayStream(body: Bytes, counts: StreamCounts): AsyncGenerator<EngineEvent> {
    const parser = new EventStreamParser(MAX_EVENT_BYTES, (message) => new EngineError('engine_failed', message));
    const relay = new StreamRelay(counts);
    try {
        for await (const bytes of body) {
            const chunk = relay.chunk(parser.push(bytes));
            if (chunk !== undefined) yield chunk;
        }
        const rest = relay.chunk(parser.finish());
        if (rest !== undefined) yield rest;
    } catch (error) {
        const usage = relay.deliveredUsage;
        if (usage !== undefined) yield { type: 'chunk', data: EMPTY, usage };
        throw error;
    }
    yield { type: 'end', usage: relay.finalUsage() };
}

const EMPTY = Buffer.alloc(0);
/** What an event must hold for anything but its bytes to matter. */
const TELLING = ['[DONE]', '"usage"', '"error"'].map((text) => Buffer.from(text));

/** Nearly every event is, and costs no more than a look at its bytes. */
function isTextAlone(raw: Buffer): boolean {
    return !TELLING.some((mark) => raw.includes(mark));
}

/** Learns usage from the events that pass, and takes out what only we asked for. */
class StreamRelay {
    private readonly usage = new RunningUsage();
    private done = false;
    /** Counts that contradict themselves are no reason to count anew: something is wrong with the engine. */
    private misused = false;
    /** Read, and not yet passed on. */
    private parsed: Record<string, unknown>[] = [];
    private begun = false;
    /** Whether the text of each event counts. */
    private readonly readsAll: boolean;

    constructor(private readonly counts: StreamCounts) {
        this.readsAll = counts.fallback !== undefined || counts.delivered !== undefined;
    }

    /** Of what was passed on, unless the engine has counted itself; nothing where that cannot be known. */
    get deliveredUsage(): EngineUsage | undefined {
        const { delivered, fallback } = this.counts;
        if (!this.begun || this.misused || this.usage.value !== undefined) return undefined;
        return (delivered ?? fallback)?.value;
    }

    /** The bytes the client gets for this event. */
    accept(event: StreamEvent): Buffer {
        if (!this.readsAll && isTextAlone(event.raw)) return event.raw;
        if (event.data === '[DONE]') this.done = true;
        if (!this.matters(event.data)) return event.raw;
        const parsed = parseJson(event.data);
        if (!isObject(parsed)) return event.raw;
        this.parsed.push(parsed);
        if (parsed.error || parsed.object === 'error')
            throw new EngineError('engine_failed', 'the engine reported an error in mid-stream');
        this.misused ||= !isAbsent(parsed.usage) && parseUsage(parsed.usage) === undefined;
        this.usage.add(parsed);
        return this.counts.clientWantsUsage || !('usage' in parsed) ? event.raw : withoutUsage(parsed, event.data);
    }

    /** Undefined where nothing of them is the client's. */
    chunk(events: readonly StreamEvent[]): EngineEvent | undefined {
        const parts = events.map((event) => this.accept(event));
        for (const parsed of this.parsed.splice(0)) this.count(parsed);
        const data = parts.length === 1 ? parts[0]! : Buffer.concat(parts);
        if (data.length === 0) return undefined;
        return { type: 'chunk', data, ...(this.usage.value ? { usage: this.usage.value } : {}) };
    }

    finalUsage(): EngineUsage {
        if (!this.done) throw new EngineError('engine_failed', 'the engine ended its stream without [DONE]');
        const usage = this.usage.value ?? (this.misused ? undefined : this.counts.fallback?.value);
        if (!usage) throw usageMissing();
        return usage;
    }

    private count(parsed: Record<string, unknown>): void {
        this.begun = true;
        this.counts.fallback?.add(parsed);
        this.counts.delivered?.add(parsed);
    }

    /** Nearly every event holds text alone: where the engine counts, only the others are worth parsing. */
    private matters(data: string): boolean {
        if (this.readsAll) return data !== '' && data !== '[DONE]';
        return data.includes('"usage"') || data.includes('"error"');
    }
}

const isAbsent = (usage: unknown) => usage === undefined || usage === null;

/** The extra chunk at the end has no choices and goes entirely; elsewhere only the field goes. */
function withoutUsage(chunk: Record<string, unknown>, text: string): Buffer {
    if (Array.isArray(chunk.choices) && chunk.choices.length === 0 && chunk.usage) return EMPTY;
    return Buffer.from(`data: ${withoutMembers(text, ['usage'])}\n\n`);
}

function parseJson(text: string): unknown {
    try {
        return JSON.parse(text);
    } catch {
        // No cause: the parser's message quotes the answer.
        throw new EngineError('engine_failed', 'the engine sent something that is not JSON');
    }
}

function usageMissing(): EngineError {
    return new EngineError('usage_missing', 'the engine did not say how many tokens it used');
}
