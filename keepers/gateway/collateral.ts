import { type Collateral, CollateralService, collateralNeeds, PcsClient } from '../attestation';
import type { Clock } from '../base';

export interface CollateralSourceOptions {
    /** Intel's provisioning certification service, a caching one, or a development network's. */
    url: string;
    /** Uncompressed point, 65 bytes. */
    rootPublicKey: Buffer;
    clock: Clock;
}

/** Collateral by quote, cached; what a prover sends along is never used. */
export function collateralSource(options: CollateralSourceOptions): (quote: Buffer) => Promise<Collateral> {
    const { url, rootPublicKey, clock } = options;
    const service = new CollateralService({ client: new PcsClient({ baseUrl: url }), clock });
    return async (quote) =>
        service.collateralFor(collateralNeeds(quote, { at: new Date(clock.nowMs()), rootPublicKey }));
}
