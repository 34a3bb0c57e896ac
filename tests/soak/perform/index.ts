import { actorNames } from '../actors';
import { foreignBody } from '../foreign';
import { Operation } from '../operation';
import { priceLevels } from '../prices';
import { World } from '../world';
import { clientPerformers } from './client';
import { hubPerformers } from './hub';
import { someone } from './parties';
import { Performers } from './performers';
import { providerPerformers } from './provider';
import { registryPerformers } from './registry';
import { settlementPerformers } from './settlement';

export async function perform(world: World, operation: Operation): Promise<void> {
    world.tally.operations += 1;
    const performer = performers[operation.do] as (world: World, operation: Operation) => Promise<void>;
    await performer(world, operation);
}

const performers: Performers = {
    ...clientPerformers,
    ...settlementPerformers,
    ...hubPerformers,
    ...providerPerformers,
    ...registryPerformers,
    async deliver(world, { pick, refusing }) {
        await world.deliver(pick, refusing);
    },
    async wait(world, { seconds }) {
        world.chain.now += seconds;
    },
    async prices(world, { gas, forward, storage }) {
        await world.setPrices({
            gas: priceLevels[gas]!,
            forward: priceLevels[forward]!,
            storage: priceLevels[storage]!,
        });
    },
    async foreign(world, { to: target, by, form, bounce, valueNano }) {
        const { hubs, escrows, providers, registry } = world.scene;
        const contracts = [...hubs, ...escrows, ...providers, registry];
        const contract = contracts[target % contracts.length]!;
        const body = foreignBody(form);
        const from = someone(by === 0 ? actorNames.length : by);
        world.send({
            from,
            to: contract.address,
            valueNano: BigInt(valueNano),
            body,
            letter: { op: 'foreign' },
            bounce,
        });
    },
};
