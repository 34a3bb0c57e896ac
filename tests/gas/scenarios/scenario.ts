import { Blockchain, SendMessageResult } from '@ton/sandbox';
import { type FeePrices, feesInForce } from '../../support/fee-config';

/** One operation, run on the real contracts: the trace it left on its chain. */
export interface Operation {
    blockchain: Blockchain;
    result: SendMessageResult;
}

export type Scenario = () => Promise<Operation>;

/** A scenario that did not do what its name says must not be measured. */
export function must(condition: boolean, what: string): void {
    if (!condition) throw new Error(`not what was to be measured: ${what}`);
}

/**
 * What many scenarios begin with is built once for each of the prices; whoever asks again gets it as it was then. Scenarios
 * run one after the other, and nothing but the chain may change in what is built.
 */
export function builtOnce<World extends { blockchain: Blockchain }>(build: () => Promise<World>): () => Promise<World> {
    const built = new Map<FeePrices, { world: World; snapshot: ReturnType<Blockchain['snapshot']> }>();
    return async () => {
        const known = built.get(feesInForce());
        if (known !== undefined) {
            await known.world.blockchain.loadFrom(known.snapshot);
            return known.world;
        }
        const world = await build();
        built.set(feesInForce(), { world, snapshot: world.blockchain.snapshot() });
        return world;
    };
}
