import { GatewayError } from './errors';
import type { ModelOffers } from './model-offers';
import type { NodeDirectory } from './node-directory';
import { serviceOf } from './pick-index';
import type { RequestShape } from './request-shape';
import type { TrustedNode } from './trusted-node';

/** What may serve one request. */
export interface Choice {
    service: string;
    offers: ModelOffers;
    /** How many of the cheapest nodes the price ceiling leaves. */
    reach: number;
    /** The one that the caller asks for by name. */
    nodeId: string | undefined;
    conversation: string | undefined;
    isUsable: (node: TrustedNode) => boolean;
}

/** @throws GatewayError that says why nothing may serve it */
export function chooseFrom(
    directory: NodeDirectory,
    { model, work, conversation }: RequestShape,
    wishes: { nodeId: string | undefined; maxOutputPriceNano: bigint | undefined },
): Choice {
    const offers = directory.offers(model, work.capability);
    if (offers === undefined) throw noOffers(directory, model);
    const reach = offers.within(wishes.maxOutputPriceNano);
    if (reach === 0)
        throw new GatewayError(
            'price_too_high',
            `no node serves '${model}' at ${wishes.maxOutputPriceNano} nanoTON a million output tokens or less`,
        );
    const isUsable = (node: TrustedNode) => directory.isUsable(node);
    requireNamed(offers, reach, { nodeId: wishes.nodeId, isUsable });
    return { service: serviceOf(model, work.capability), offers, reach, nodeId: wishes.nodeId, conversation, isUsable };
}

function noOffers(directory: NodeDirectory, model: string): GatewayError {
    if (directory.trusted.length === 0) return noTrustedNode(directory);
    return new GatewayError(
        'model_not_found',
        `no trusted node serves the model '${model}' for this path: GET /v1/models lists them`,
        { param: 'model' },
    );
}

export function noTrustedNode(directory: NodeDirectory): GatewayError {
    const why = directory.problem || 'no node of any dispatcher passed verification: GET /cocoon/nodes says why';
    return new GatewayError('no_trusted_node', why, { retryAfterMs: 5_000 });
}

function requireNamed(offers: ModelOffers, reach: number, { nodeId, isUsable }: Pick<Choice, 'nodeId' | 'isUsable'>) {
    if (nodeId === undefined) return;
    const node = offers.find(nodeId, reach);
    if (node !== undefined && isUsable(node)) return;
    throw new GatewayError(
        'no_trusted_node',
        'the node that X-Cocoon-Node asks for is not trusted or does not serve this',
    );
}
