import { setTimeout as sleep } from 'node:timers/promises';
import { Pool } from 'undici';
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
    private readonly bodies: Buffer[] = [];
    private readonly firstMs: number[] = [];
    private readonly gapsMs: number[] = [];
    private readonly failures: string[] = [];
    private events = 0;
    private requests = 0;

    constructor(private readonly settings: LoadSettings) {
        const { target } = settings;
        this.pool = new Pool(target.url, { connections: settings.streams, headersTimeout: 0, bodyTimeout: 0 });
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

    private body(): Buffer {
        const { target, shape } = this.settings;
        if (target.offerHash === undefined) return requestBody(shape, target.model);
        const body = this.bodies.pop();
        if (body === undefined) throw new Error('more requests than were prepared');
        return body;
    }

    private async ask(reader: StreamReader): Promise<void> {
        const { target } = this.settings;
        try {
            const type = target.offerHash === undefined ? 'application/json' : 'application/octet-stream';
            const body = this.body();
            const startMs = performance.now();
            const answer = await this.pool.request({
                method: 'POST',
                path: target.path,
                headers: { 'content-type': type, ...target.headers },
                body,
            });
            if (answer.statusCode !== 200) throw new Error(`${answer.statusCode} ${await answer.body.text()}`);
            let lastMs: number | undefined;
            for await (const chunk of answer.body as AsyncIterable<Buffer>) {
                lastMs = this.note(reader.push(chunk), startMs, lastMs);
            }
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
