import type { Registry } from 'prom-client';
import { counter, pulledGauge } from '../instruments';
import type { RequestTracer } from '../tracing';
import { RequestMetrics } from './request-metrics';

/** What the dispatcher is asked when it is scraped. */
export interface DispatcherFacts {
    readonly inFlight: number;
    readonly waiting: number;
    readonly connectedNodes: number;
}

/** Of the dispatcher: sums over all nodes and escrows, never of one. */
export class DispatcherMetrics {
    readonly requests: RequestMetrics;
    private readonly hellos;
    private readonly raises;
    private readonly orphans;

    constructor(
        private readonly registry: Registry,
        tracer: RequestTracer | null = null,
    ) {
        this.requests = new RequestMetrics(registry, 'dispatcher', tracer);
        this.hellos = counter(registry, 'cocoon_dispatcher_hellos_total', 'Nodes that dialled in', 'outcome');
        this.raises = counter(registry, 'cocoon_dispatcher_cap_raises_total', 'Raised caps by outcome', 'outcome');
        this.orphans = counter(
            registry,
            'cocoon_dispatcher_orphan_receipts_total',
            'Final receipts that came after their stream had broken',
            'outcome',
        );
    }

    hello(outcome: 'connected' | 'refused'): void {
        this.hellos.inc({ outcome });
    }

    raise(outcome: string): void {
        this.raises.inc({ outcome });
    }

    orphan(outcome: 'stored' | 'refused'): void {
        this.orphans.inc({ outcome });
    }

    watch(facts: DispatcherFacts): void {
        const gauge = (name: string, help: string, read: () => number) =>
            pulledGauge(this.registry, `cocoon_dispatcher_${name}`, help, read);
        gauge('requests_in_flight', 'Requests that a node works on', () => facts.inFlight);
        gauge('requests_waiting', 'Requests that wait for their node', () => facts.waiting);
        gauge('nodes_connected', 'Nodes whose link stands', () => facts.connectedNodes);
    }
}
