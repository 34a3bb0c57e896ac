import { type Clock, nowSec } from '../base';
import { hasBegun, issueOffer, type ModelPrices, type Offer, type Signer } from '../confidential';
import type { Engine, EngineModel } from './engine';

export interface OfferBookOptions {
    network: Buffer;
    signer: Signer;
    /** Prices a million tokens, for every model of the engine that `reprice` names no others for. */
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
    private published: ReadonlyMap<string, ModelPrices> = new Map();
    private repriced = false;

    constructor(private readonly options: OfferBookOptions) {}

    get current(): Offer {
        return this.offers[0]!;
    }

    standing(): readonly Offer[] {
        const now = nowSec(this.options.clock);
        return this.offers.filter((offer) => offer.expiresAtSec > now && hasBegun(offer.issuedAtSec, now));
    }

    /**
     * Prices by model from now on; the next `renewIfDue` signs them. What stands is honoured until it expires.
     * @returns whether an offer changes by it
     */
    reprice(published: ReadonlyMap<string, ModelPrices>): boolean {
        const before = this.options.models.map(({ id }) => this.pricesOf(id));
        this.published = published;
        const changed = this.options.models.some(({ id }, index) => differ(this.pricesOf(id), before[index]!));
        this.repriced ||= changed;
        return changed;
    }

    private pricesOf(model: string): ModelPrices {
        return this.published.get(model) ?? this.options.prices;
    }

    /** @returns whether a new offer was signed, to be published */
    renewIfDue(): boolean {
        const { network, signer, modelRoot, models, maxConcurrency, clock } = this.options;
        const now = nowSec(clock);
        if (this.offers.length > 0 && !this.repriced && !this.isDue(now)) return false;
        const offer = issueOffer(
            {
                network,
                issuedAtSec: now,
                expiresAtSec: now + lifeSec,
                maxConcurrency,
                models: models.map(({ id, contextLength, capabilities }) => ({
                    ...this.pricesOf(id),
                    model: id,
                    modelRoot,
                    contextLength,
                    capabilities: [...capabilities],
                })),
            },
            signer,
        );
        this.offers = [offer, ...this.standing()];
        this.repriced = false;
        return true;
    }

    /** One of the future was signed while the clock was ahead: nobody takes it yet. */
    private isDue(nowSec: number): boolean {
        const { issuedAtSec } = this.current;
        return nowSec >= issuedAtSec + renewSec || !hasBegun(issuedAtSec, nowSec);
    }
}

function differ(a: ModelPrices, b: ModelPrices): boolean {
    return (Object.keys(a) as (keyof ModelPrices)[]).some((field) => a[field] !== b[field]);
}
