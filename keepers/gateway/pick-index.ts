import { ModelOffers, type PricedNode } from './model-offers';
import type { TrustedNode } from './trusted-node';

/** The trusted nodes by what they serve; built anew when the directory changes, never changed. */
export class PickIndex {
    private readonly byService: ReadonlyMap<string, ModelOffers>;

    constructor(nodes: readonly TrustedNode[]) {
        const serving = new Map<string, Map<string, PricedNode>>();
        for (const node of nodes) {
            for (const { model, capabilities, outputNano } of node.offer.models) {
                for (const capability of capabilities) {
                    const service = serviceOf(model, capability);
                    const offers = serving.get(service) ?? new Map<string, PricedNode>();
                    // A node's first terms for a model are the ones that count.
                    if (!offers.has(node.id)) offers.set(node.id, { node, outputNano });
                    serving.set(service, offers);
                }
            }
        }
        this.byService = new Map(
            [...serving].map(([service, offers]) => [service, new ModelOffers([...offers.values()])]),
        );
    }

    offers(model: string, capability: string): ModelOffers | undefined {
        return this.byService.get(serviceOf(model, capability));
    }
}

export function serviceOf(model: string, capability: string): string {
    return `${capability} ${model}`;
}
