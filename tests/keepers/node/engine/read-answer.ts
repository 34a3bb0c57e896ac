import { Engine, EngineEvent, EngineUsage } from '../../../../keepers/node/engine';

export interface ReadAnswer {
    status: number;
    headers: Record<string, string>;
    body: string;
    usage: EngineUsage;
    /** Running usage of each chunk. */
    running: (EngineUsage | undefined)[];
}

export const CHAT_PATH = '/v1/chat/completions';

export function ask(engine: Engine, body: unknown, options: { path?: string; signal?: AbortSignal } = {}) {
    const text = typeof body === 'string' ? body : JSON.stringify(body);
    const headers = { authorization: 'Bearer client-secret', 'content-type': 'application/json' };
    const request = { method: 'POST' as const, path: options.path ?? CHAT_PATH, headers, body: Buffer.from(text) };
    return engine.run(request, options.signal ?? new AbortController().signal);
}

/** Reads to the end and holds the engine to its contract: head first, end last, each once. */
export async function readAnswer(events: AsyncIterable<EngineEvent>): Promise<ReadAnswer> {
    const all: EngineEvent[] = [];
    for await (const event of events) all.push(event);
    const head = all[0];
    const end = all.at(-1);
    if (head?.type !== 'head' || end?.type !== 'end') throw new Error(`order: ${all.map((e) => e.type).join()}`);
    const chunks = all.slice(1, -1).map((event) => {
        if (event.type !== 'chunk') throw new Error(`a second ${event.type}`);
        return event;
    });
    const body = Buffer.concat(chunks.map((chunk) => chunk.data)).toString('utf8');
    const running = chunks.map((chunk) => chunk.usage);
    return { status: head.status, headers: head.headers, body, usage: end.usage, running };
}
