import type { FastifyInstance } from 'fastify';
import { GatewayError } from '../errors';
import type { GatewayView } from '../gateway-view';

export function registerModelRoutes(server: FastifyInstance, view: GatewayView): void {
    server.get('/v1/models', () => ({ object: 'list', data: view.models() }));
    server.get<{ Params: { '*': string } }>('/v1/models/*', (request) => {
        const wanted = request.params['*'];
        const model = view.models().find((candidate) => candidate.id === wanted);
        if (model === undefined)
            throw new GatewayError('model_not_found', `no trusted node serves the model '${wanted}'`, {
                param: 'model',
            });
        return model;
    });
}
