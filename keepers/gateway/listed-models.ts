import type { OfferModel } from '../confidential';
import type { TrustedNode } from './trusted-node';

export interface ListedModel {
    id: string;
    [field: string]: unknown;
}

/** Every model that a trusted node offers, cheapest first, with the cheapest price and the capacity that is free. */
export function listModels(trusted: readonly TrustedNode[]): ListedModel[] {
    const byModel = new Map<string, { created: number; offers: OfferModel[]; capacity: number }>();
    for (const node of trusted) {
        for (const terms of node.offer.models) {
            const entry = byModel.get(terms.model) ?? { created: node.offer.issuedAtSec, offers: [], capacity: 0 };
            entry.offers.push(terms);
            entry.capacity += Math.max(node.offer.maxConcurrency - node.load.inFlight, 0);
            byModel.set(terms.model, entry);
        }
    }
    return [...byModel]
        .map(([id, entry]): [string, typeof entry, OfferModel] => [id, entry, cheapestOf(entry.offers)])
        .sort(([a, , one], [b, , other]) => compare(one.outputNano, other.outputNano) || compare(a, b))
        .map(([id, entry]) => describeModel(id, entry));
}

function cheapestOf(offers: readonly OfferModel[]): OfferModel {
    return offers.reduce((best, offer) => (offer.outputNano < best.outputNano ? offer : best));
}

function compare<T extends bigint | string>(one: T, other: T): number {
    return one < other ? -1 : Number(one > other);
}

/** OpenAI's fields, then ours: what the cheapest node asks and how much is free right now. */
function describeModel(
    id: string,
    { created, offers, capacity }: { created: number; offers: OfferModel[]; capacity: number },
): ListedModel {
    const cheapest = cheapestOf(offers);
    return {
        id,
        object: 'model',
        created,
        owned_by: 'cocoon',
        context_length: cheapest.contextLength,
        capabilities: cheapest.capabilities,
        pricing: {
            unit: 'nanoTON per million tokens',
            input: cheapest.inputNano.toString(),
            cached_input: cheapest.cachedInputNano.toString(),
            output: cheapest.outputNano.toString(),
            reasoning: cheapest.reasoningNano.toString(),
        },
        nodes: offers.length,
        free_slots: capacity,
    };
}
