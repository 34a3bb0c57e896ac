import type { FastifyInstance } from 'fastify';
import { GatewayError } from '../errors';
import { receiptPageOf } from '../receipt-page';
import type { GatewayView } from '../gateway-view';

/** What only Cocoon has: evidence, receipts, the escrow's state. */
export function registerCocoonRoutes(server: FastifyInstance, view: GatewayView): void {
    server.get('/healthz', () => ({ ok: true }));
    server.get('/readyz', (_request, reply) => {
        const readiness = view.readiness();
        return reply.code(readiness.ready ? 200 : 503).send(readiness);
    });
    server.get('/cocoon/status', () => view.status());
    server.get('/cocoon/nodes', () => ({ nodes: view.nodes() }));
    server.get<{ Params: { node: string } }>('/cocoon/attestation/:node', (request) => {
        const evidence = view.evidence(request.params.node);
        if (evidence === undefined)
            throw new GatewayError('not_found', 'no such node in any directory: GET /cocoon/nodes lists them');
        return evidence;
    });
    server.get('/cocoon/receipts', (request) => view.receipts(receiptPageOf(request.query)));
    server.get<{ Params: { id: string } }>('/cocoon/receipts/:id', (request) => {
        const receipt = /^[0-9a-f]{32}$/.test(request.params.id)
            ? view.receipt(Buffer.from(request.params.id, 'hex'))
            : undefined;
        if (receipt === undefined)
            throw new GatewayError('not_found', 'no receipt of that request: its id is in x-cocoon-receipt');
        return receipt;
    });
}
