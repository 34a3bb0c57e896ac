import { createHash } from 'node:crypto';
import {
    type Link,
    ROOT_CONTEXT,
    type Span,
    type SpanContext,
    SpanKind,
    SpanStatusCode,
    trace,
    TraceFlags,
    type Tracer,
} from '@opentelemetry/api';
import type { IdGenerator, SpanExporter, SpanProcessor } from '@opentelemetry/sdk-trace-base';

export type Hop = 'gateway' | 'dispatcher' | 'node';

/** Whose span is the parent of whose. */
const parentOf: Record<Hop, Hop | null> = { gateway: null, dispatcher: 'gateway', node: 'dispatcher' };

/** All that a span says besides its name, its times and its ids. */
export const tracedAttributes = ['cocoon.node', 'cocoon.outcome'] as const;

export interface TracedRequest {
    readonly context: SpanContext;
    end(outcome: string): void;
}

export interface TraceOptions {
    hop: Hop;
    version: string;
    /** Share of requests, decided by their ids alone: hops with the same share keep the same requests. */
    sampleRatio: number;
    exporter: SpanExporter;
    /** Sends each span by itself; for tests. */
    unbatched?: boolean;
}

export interface ExportOptions extends Omit<TraceOptions, 'exporter'> {
    /** An OTLP collector's traces over HTTP, such as http://127.0.0.1:4318/v1/traces */
    otlpUrl: string;
    authorization?: string;
}

/** The SDK gives no other way to choose an id: what is set here is what the next span gets. */
class GivenIds implements IdGenerator {
    next = { traceId: '', spanId: '' };
    generateTraceId = () => this.next.traceId;
    generateSpanId = () => this.next.spanId;
}

/**
 * One trace for each request, through every hop that is traced. A request's id, which gateway, dispatcher and node share anyway, is the
 * trace's id, and each hop's span id follows from it: so nothing is carried from one to the next, no header, no field, and
 * whoever sees a trace learns nothing that the request's own id does not tell (docs/decisions/2026-11-29-traces.md).
 */
export class RequestTracer {
    private constructor(
        private readonly hop: Hop,
        private readonly ids: GivenIds,
        private readonly tracer: Tracer,
        private readonly provider: { shutdown(): Promise<void> },
    ) {}

    /** The SDK is loaded here, so that who traces nothing pays nothing. */
    static async open({ hop, version, sampleRatio, exporter, unbatched }: TraceOptions): Promise<RequestTracer> {
        const sdk = await import('@opentelemetry/sdk-trace-base');
        const { resourceFromAttributes } = await import('@opentelemetry/resources');
        const ids = new GivenIds();
        const processor: SpanProcessor = unbatched
            ? new sdk.SimpleSpanProcessor(exporter)
            : new sdk.BatchSpanProcessor(exporter);
        const provider = new sdk.BasicTracerProvider({
            idGenerator: ids,
            sampler: new sdk.TraceIdRatioBasedSampler(sampleRatio),
            spanProcessors: [processor],
            resource: resourceFromAttributes({ 'service.name': `cocoon-${hop}`, 'service.version': version }),
        });
        return new RequestTracer(hop, ids, provider.getTracer('cocoon'), provider);
    }

    static async export({ otlpUrl, authorization, ...options }: ExportOptions): Promise<RequestTracer> {
        const { OTLPTraceExporter } = await import('@opentelemetry/exporter-trace-otlp-http');
        const headers: Record<string, string> = authorization === undefined ? {} : { authorization };
        return RequestTracer.open({ ...options, exporter: new OTLPTraceExporter({ url: otlpUrl, headers }) });
    }

    /** @param before another try at the same question: a trace of its own, linked to this one */
    begin(requestId: Buffer, request: { nodeId: string; startedAtMs: number; before?: SpanContext }): TracedRequest {
        const traceId = requestId.toString('hex');
        const parent = parentOf[this.hop];
        const context =
            parent === null
                ? ROOT_CONTEXT
                : trace.setSpanContext(ROOT_CONTEXT, remote(traceId, spanIdOf(parent, requestId)));
        const links: Link[] = request.before === undefined ? [] : [{ context: request.before }];
        this.ids.next = { traceId, spanId: spanIdOf(this.hop, requestId) };
        const span = this.tracer.startSpan(
            `cocoon ${this.hop}`,
            {
                kind: this.hop === 'gateway' ? SpanKind.CLIENT : SpanKind.SERVER,
                startTime: request.startedAtMs,
                attributes: { 'cocoon.node': request.nodeId },
                links,
            },
            context,
        );
        return { context: span.spanContext(), end: (outcome) => end(span, outcome) };
    }

    /** Sends what waits. */
    shutdown(): Promise<void> {
        return this.provider.shutdown();
    }
}

function end(span: Span, outcome: string): void {
    span.setAttribute('cocoon.outcome', outcome);
    if (outcome !== 'answered') span.setStatus({ code: SpanStatusCode.ERROR });
    span.end();
}

function remote(traceId: string, spanId: string): SpanContext {
    return { traceId, spanId, traceFlags: TraceFlags.SAMPLED, isRemote: true };
}

function spanIdOf(hop: Hop, requestId: Buffer): string {
    return createHash('sha256').update(`cocoon span|${hop}|`).update(requestId).digest('hex').slice(0, 16);
}
