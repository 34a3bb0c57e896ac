import { type Clock, nowSec } from '../base';
import { issueOffer, type ModelPrices, type Offer, type Signer } from '../confidential';
import type { Engine, EngineModel } from './engine';

export interface OfferBookOptions {
    network: Buffer;
    signer: Signer;
    /** Prices a million tokens, for every model of the engine. */
    prices: ModelPrices;
    modelRoot: Buffer;
    models: readonly EngineModel[];
    maxConcurrency: number;
    clock: Clock;
}

/** An engine that counts as it goes lets its node take caps window by window, and the offer says so. */
export function offeredModels(models: readonly EngineModel[], engine: Pick<Engine, 'countsAsItGoes'>): EngineModel[] {
    if (engine.countsAsItGoes !== true) return [...models];
    return models.map((model) => ({ ...model, capabilities: [...model.capabilities, 'windows'] }));
}

const lifeSec = 600;
/** A new offer is signed when half of the last one's life is over, so gateways always hold a current one. */
const renewSec = lifeSec / 2;

/** Signed offers: the newest is published, those not yet expired are honoured. */
export class OfferBook {
    private offers: Offer[] = [];

    constructor(private readonly options: OfferBookOptions) {}

    get current(): Offer {
        return this.offers[0]!;
    }

    standing(): readonly Offer[] {
        const now = nowSec(this.options.clock);
        return this.offers.filter((offer) => offer.expiresAtSec > now);
    }

    /** @returns whether a new offer was signed, to be published */
    renewIfDue(): boolean {
        const { network, signer, prices, modelRoot, models, maxConcurrency, clock } = this.options;
        const now = nowSec(clock);
        if (this.offers.length > 0 && now < this.current.issuedAtSec + renewSec) return false;
        const offer = issueOffer(
            {
                network,
                issuedAtSec: now,
                expiresAtSec: now + lifeSec,
                maxConcurrency,
                models: models.map(({ id, contextLength, capabilities }) => ({
                    ...prices,
                    model: id,
                    modelRoot,
                    contextLength,
                    capabilities: [...capabilities],
                })),
            },
            signer,
        );
        this.offers = [offer, ...this.standing()];
        return true;
    }
}
