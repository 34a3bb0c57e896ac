import type { Registry } from 'prom-client';
import { counter, nanoAsNumber, pulledGauge, pulledGauges } from '../instruments';
import type { RequestTracer } from '../tracing';
import { RequestMetrics } from './request-metrics';

/** What the gateway is asked when it is scraped. */
export interface GatewayFacts {
    trustedNodes(): number;
    /** Nodes that are not trusted, by the check that failed. */
    refusedNodes(): Iterable<readonly [check: string, nodes: number]>;
    /** Of the ledger, in nanoTON. */
    sums(): { spentNano: bigint; reservedNano: bigint };
    /** Of the client's escrows as last read, nanoTON; undefined before that. */
    escrowNano(): bigint | undefined;
    /** End of the session key at the chain, unix seconds; undefined before it was read. */
    sessionEndSec(): number | undefined;
}

export class GatewayMetrics {
    readonly requests: RequestMetrics;
    private readonly repicks;
    private readonly verdicts;

    constructor(
        private readonly registry: Registry,
        tracer: RequestTracer | null = null,
    ) {
        this.requests = new RequestMetrics(registry, 'gateway', tracer);
        this.repicks = counter(
            registry,
            'cocoon_gateway_attempts_not_begun_total',
            'Attempts at a node that did not begin, by refusal',
            'code',
        );
        this.verdicts = counter(
            registry,
            'cocoon_gateway_verdicts_total',
            'Nodes judged, by the check that failed; `accepted` where none did',
            'check',
        );
    }

    notBegun(code: string): void {
        this.repicks.inc({ code });
    }

    verdict(check: string): void {
        this.verdicts.inc({ check });
    }

    watch(facts: GatewayFacts): void {
        const gauge = (name: string, help: string, read: () => number | undefined) =>
            pulledGauge(this.registry, `cocoon_gateway_${name}`, help, read);
        gauge('nodes_trusted', 'Nodes that may be asked', () => facts.trustedNodes());
        pulledGauges(
            this.registry,
            {
                name: 'cocoon_gateway_nodes_refused',
                help: 'Nodes that are not trusted, by the check that failed',
                label: 'check',
            },
            () => facts.refusedNodes(),
        );
        gauge('spent_nanoton', 'Cost of all answers in the ledger', () => nanoAsNumber(facts.sums().spentNano));
        gauge('reserved_nanoton', 'Worst cost of requests still open', () => nanoAsNumber(facts.sums().reservedNano));
        gauge('escrow_balance_nanoton', 'Of the client’s escrows together', () => nanoAsNumber(facts.escrowNano()));
        gauge('session_key_expiry_timestamp_seconds', 'When the escrow honours the session key no more', () =>
            facts.sessionEndSec(),
        );
    }
}
