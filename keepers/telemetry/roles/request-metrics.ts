import type { Registry } from 'prom-client';
import { counter, histogram, requestSeconds } from '../instruments';
import type { RequestTracer, TracedRequest } from '../tracing';

/** One request on its way through a role; the first `end` counts. */
export interface ObservedRequest {
    /** By what id it goes and to which node: begins its span. Called again, another try begins another trace. */
    trace(requestId: Buffer, nodeId: string): void;
    end(outcome: string, firstFrameMs?: number): void;
}

/**
 * Rate, errors and duration of a hop. Outcomes are `answered` or a code of the role's own closed set; who asked, of which
 * node, for what and how much is no label: that would be a record of somebody's requests.
 */
export class RequestMetrics {
    private readonly total;
    private readonly seconds;
    private readonly firstFrameSeconds;

    constructor(
        registry: Registry,
        role: 'gateway' | 'dispatcher' | 'node',
        private readonly tracer: RequestTracer | null = null,
    ) {
        this.total = counter(
            registry,
            `cocoon_${role}_requests_total`,
            'Requests that came to an end, by how',
            'outcome',
        );
        this.seconds = histogram(
            registry,
            `cocoon_${role}_request_duration_seconds`,
            'From a request’s arrival to its end, however it ended',
            requestSeconds,
        );
        this.firstFrameSeconds = histogram(
            registry,
            `cocoon_${role}_first_frame_seconds`,
            'From a request’s arrival to the first frame of its answer',
            requestSeconds,
        );
    }

    begin(): ObservedRequest {
        const startedAtMs = performance.now();
        const begunAtMs = Date.now();
        let ended = false;
        let traced: TracedRequest | undefined;
        return {
            trace: (requestId, nodeId) => {
                if (this.tracer === null) return;
                const before = traced?.context;
                traced?.end('not_begun');
                const triedAtMs = traced === undefined ? begunAtMs : Date.now();
                traced = this.tracer.begin(requestId, { nodeId, startedAtMs: triedAtMs, before });
            },
            end: (outcome, firstFrameMs) => {
                if (ended) return;
                ended = true;
                traced?.end(outcome);
                this.total.inc({ outcome });
                this.seconds.observe((performance.now() - startedAtMs) / 1000);
                if (firstFrameMs !== undefined) this.firstFrameSeconds.observe(firstFrameMs / 1000);
            },
        };
    }
}
