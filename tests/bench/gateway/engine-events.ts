/** What the mock engine is asked to say; it travels inside the prompt, so every subject carries it. */
export interface AnswerShape {
    events: number;
    intervalMs: number;
}

export const benchModel = 'bench';
export const promptTokens = 24;

/** A request as an app sends it. No events: one whole answer. */
export function requestBody({ events, intervalMs }: AnswerShape, model = benchModel): Buffer {
    const stream = events > 0 ? { stream: true, stream_options: { include_usage: true } } : {};
    const content = `say ${events} every ${intervalMs} ms; the rest of this prompt is as long as a short question`;
    return Buffer.from(
        JSON.stringify({ model, messages: [{ role: 'user', content }], max_tokens: Math.max(events, 64), ...stream }),
    );
}

/** The shape that a request asks for. */
export function shapeOf(body: Buffer): AnswerShape {
    const match = /say (\d+) every (\d+) ms/.exec(body.toString('latin1'));
    if (match === null) throw new Error('the request does not say what it wants');
    return { events: Number(match[1]), intervalMs: Number(match[2]) };
}

const identity = { id: 'chatcmpl-bench-0123456789abcdef', created: 1_790_000_000, model: benchModel };

/** One token of a stream, as vLLM spells it. */
export const tokenEvent = sse({
    object: 'chat.completion.chunk',
    ...identity,
    choices: [{ index: 0, delta: { content: ' word' }, logprobs: null, finish_reason: null }],
});

export function lastEvents(events: number): Buffer {
    const usage = usageOf(events);
    return Buffer.concat([
        sse({ object: 'chat.completion.chunk', ...identity, choices: [], usage }),
        Buffer.from('data: [DONE]\n\n'),
    ]);
}

export const wholeAnswer = Buffer.from(
    JSON.stringify({
        object: 'chat.completion',
        ...identity,
        choices: [
            {
                index: 0,
                message: { role: 'assistant', content: 'word '.repeat(64) },
                logprobs: null,
                finish_reason: 'stop',
            },
        ],
        usage: usageOf(64),
    }),
);

function usageOf(completionTokens: number) {
    return {
        prompt_tokens: promptTokens,
        completion_tokens: completionTokens,
        total_tokens: promptTokens + completionTokens,
    };
}

function sse(event: object): Buffer {
    return Buffer.from(`data: ${JSON.stringify(event)}\n\n`);
}

/** Says the events on time: the first at once, each at its place after it however late the one before was. */
export function sayEvents(shape: AnswerShape, say: (event: Buffer) => void, end: () => void): { stop(): void } {
    const startMs = performance.now();
    let said = 0;
    let timer: NodeJS.Timeout | undefined;
    const step = () => {
        say(tokenEvent);
        said += 1;
        if (said === shape.events) return end();
        timer = setTimeout(step, Math.max(startMs + said * shape.intervalMs - performance.now(), 0));
    };
    step();
    return { stop: () => clearTimeout(timer) };
}
