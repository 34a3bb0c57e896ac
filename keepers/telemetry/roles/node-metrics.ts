import type { Registry } from 'prom-client';
import { counter, nanoAsNumber, pulledGauge } from '../instruments';
import type { RequestTracer } from '../tracing';
import { RequestMetrics } from './request-metrics';

/** What the node is asked when it is scraped. */
export interface NodeFacts {
    inFlight(): number;
    connected(): boolean;
    engineReady(): boolean;
    /** End of the attestation in force, unix seconds. */
    keyNotAfterSec(): number;
    offerExpiresAtSec(): number;
}

/** Of the node. They leave the TEE: states and counts, nothing of a request. */
export class NodeMetrics {
    readonly requests: RequestMetrics;
    private readonly attestations;
    private readonly earned;

    constructor(
        private readonly registry: Registry,
        tracer: RequestTracer | null = null,
    ) {
        this.requests = new RequestMetrics(registry, 'node', tracer);
        this.attestations = counter(
            registry,
            'cocoon_node_attestations_total',
            'Attestations of this node’s key, by how they ended',
            'outcome',
        );
        this.earned = counter(
            registry,
            'cocoon_node_receipts_nanoton_total',
            'Cost of the final receipts signed since the start',
        );
    }

    attested(outcome: 'registered' | 'failed'): void {
        this.attestations.inc({ outcome });
    }

    earnedNano(amountNano: bigint): void {
        this.earned.inc(nanoAsNumber(amountNano));
    }

    watch(facts: NodeFacts): void {
        const gauge = (name: string, help: string, read: () => number) =>
            pulledGauge(this.registry, `cocoon_node_${name}`, help, read);
        gauge('requests_in_flight', 'Requests that the node works on', () => facts.inFlight());
        gauge('dispatcher_connected', '1 while a dispatcher is connected', () => Number(facts.connected()));
        gauge('engine_ready', '1 while the engine says that it is well', () => Number(facts.engineReady()));
        gauge('key_expiry_timestamp_seconds', 'When the attestation in force ends', () => facts.keyNotAfterSec());
        gauge('offer_expiry_timestamp_seconds', 'When the signed offer ends', () => facts.offerExpiresAtSec());
    }
}
