import type { FastifyInstance } from 'fastify';
import { GatewayError } from '../errors';
import type { GatewayService } from '../service';

export function registerModelRoutes(server: FastifyInstance, service: GatewayService): void {
    server.get('/v1/models', () => ({ object: 'list', data: service.models() }));
    server.get<{ Params: { '*': string } }>('/v1/models/*', (request) => {
        const wanted = request.params['*'];
        const model = service.models().find((candidate) => candidate.id === wanted);
        if (model === undefined)
            throw new GatewayError('model_not_found', `no trusted node serves the model '${wanted}'`, {
                param: 'model',
            });
        return model;
    });
}
