import { setTimeout as sleep } from 'node:timers/promises';
import { Pool } from 'undici';
import { DispatcherClient } from '../../../../keepers/gateway/dispatcher-client';
import { type AnswerShape, requestBody } from '../engine-events';
import { quantile } from '../quantile';
import { sealedRequest } from '../sealed-requests';
import { serveRole } from '../serve-role';
import { SealedReader, SseReader, type StreamReader, WholeReader } from '../stream-reader';

export interface Target {
    url: string;
    path: string;
    model?: string;
    headers?: Record<string, string>;
    /** Of a dispatcher: requests are sealed, answers are frames. */
    offerHash?: Buffer;
    /** To a dispatcher over a gateway's own connection, which all requests share. */
    linked?: boolean;
}

export interface LoadSettings {
    target: Target;
    shape: AnswerShape;
    /** Streams at the same time, begun evenly over one `rampMs`; without streaming so many callers, each in a loop. */
    streams: number;
    rampMs: number;
    /** Without streaming: how long they go on. */
    durationMs: number;
}

export interface LoadResult {
    requests: number;
    failures: string[];
    events: number;
    wallMs: number;
    firstMs: number[];
    gapMsP50: number;
    gapMsP99: number;
}

const worstCaseNano = 10n ** 12n;

/** The clients: one process for all subjects, never measured. */
class Load {
    private readonly pool: Pool;
    private readonly client: DispatcherClient;
    private readonly bodies: { requestId: Buffer; envelope: Buffer }[] = [];
    private readonly firstMs: number[] = [];
    private readonly gapsMs: number[] = [];
    private readonly failures: string[] = [];
    private events = 0;
    private requests = 0;

    constructor(private readonly settings: LoadSettings) {
        const { target } = settings;
        this.pool = new Pool(target.url, { connections: settings.streams, headersTimeout: 0, bodyTimeout: 0 });
        this.client = new DispatcherClient(target.url);
    }

    /** What costs the client time is done before the clock runs. */
    prepare(): void {
        const { target, shape, streams, durationMs } = this.settings;
        if (target.offerHash === undefined) return;
        const count = shape.events > 0 ? streams : Math.ceil(durationMs * 3);
        const terms = { offerHash: Buffer.from(target.offerHash), worstCaseNano };
        for (let index = 0; index < count; index++) this.bodies.push(sealedRequest(terms));
    }

    async run(): Promise<LoadResult> {
        const startMs = performance.now();
        if (this.settings.shape.events > 0) await this.stream();
        else await this.loop(startMs + this.settings.durationMs);
        const wallMs = performance.now() - startMs;
        await this.pool.destroy();
        await this.client.close();
        return {
            requests: this.requests,
            failures: this.failures,
            events: this.events,
            wallMs,
            firstMs: this.firstMs,
            gapMsP50: quantile(this.gapsMs, 0.5),
            gapMsP99: quantile(this.gapsMs, 0.99),
        };
    }

    private async stream(): Promise<void> {
        const { streams, rampMs } = this.settings;
        const one = async (index: number) => {
            await sleep((index * rampMs) / streams);
            await this.ask(this.reader());
        };
        await Promise.all(Array.from({ length: streams }, (_, index) => one(index)));
    }

    private async loop(endMs: number): Promise<void> {
        const caller = async () => {
            while (performance.now() < endMs) await this.ask(this.reader());
        };
        await Promise.all(Array.from({ length: this.settings.streams }, caller));
    }

    private reader(): StreamReader {
        if (this.settings.target.offerHash !== undefined) return new SealedReader();
        return this.settings.shape.events > 0 ? new SseReader() : new WholeReader();
    }

    private sealed(): { requestId: Buffer; envelope: Buffer } {
        const body = this.bodies.pop();
        if (body === undefined) throw new Error('more requests than were prepared');
        return body;
    }

    /** As a gateway asks. */
    private async relayed(request: { requestId: Buffer; envelope: Buffer }): Promise<AsyncIterable<Buffer>> {
        const relayed = await this.client.relay(request, new AbortController().signal);
        if (!relayed.ok) throw new Error(JSON.stringify(relayed.refusal));
        return relayed.frames;
    }

    private async posted(type: string, body: Buffer): Promise<AsyncIterable<Buffer>> {
        const { path, headers } = this.settings.target;
        const answer = await this.pool.request({
            method: 'POST',
            path,
            headers: { 'content-type': type, ...headers },
            body,
        });
        if (answer.statusCode !== 200) throw new Error(`${answer.statusCode} ${await answer.body.text()}`);
        return answer.body as AsyncIterable<Buffer>;
    }

    /** Whatever the request costs to make is made before the clock starts. */
    private prepared(): () => Promise<AsyncIterable<Buffer>> {
        const { target, shape } = this.settings;
        if (target.offerHash === undefined) {
            const body = requestBody(shape, target.model);
            return () => this.posted('application/json', body);
        }
        const request = this.sealed();
        return target.linked
            ? () => this.relayed(request)
            : () => this.posted('application/octet-stream', request.envelope);
    }

    private async ask(reader: StreamReader): Promise<void> {
        try {
            const send = this.prepared();
            const startMs = performance.now();
            let lastMs: number | undefined;
            for await (const chunk of await send()) lastMs = this.note(reader.push(chunk), startMs, lastMs);
            if (!reader.whole) throw new Error('the answer is not whole');
            this.requests += 1;
        } catch (error) {
            this.failures.push(error instanceof Error ? error.message.slice(0, 300) : String(error));
        }
    }

    /** Events that come together have no gap between them. */
    private note(events: number, startMs: number, lastMs: number | undefined): number | undefined {
        if (events === 0) return lastMs;
        const nowMs = performance.now();
        this.events += events;
        if (lastMs === undefined) this.firstMs.push(nowMs - startMs);
        else this.gapsMs.push(nowMs - lastMs);
        for (let more = 1; more < events; more++) this.gapsMs.push(0);
        return nowMs;
    }
}

let load: Load;

serveRole({
    start: () => ({ url: '' }),
    prepare: (settings: LoadSettings) => (load = new Load(settings)).prepare(),
    run: () => load.run(),
});
