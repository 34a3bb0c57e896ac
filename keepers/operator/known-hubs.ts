import { Address, type OpenedContract } from '@ton/core';
import { Payout, Registry } from '../../wrappers';
import { isActive } from './account';
import type { OperatorContext } from './context';

/** The hubs that the registry lists, and those of the deployment file, where they are on chain. */
export async function knownHubs(context: OperatorContext, registry: Address): Promise<OpenedContract<Payout>[]> {
    const listed = (await isActive(context, registry))
        ? [...(await context.open(Registry.createFromAddress(registry)).getHubs()).keys()]
        : [];
    const noted = context.deployment.isOf(registry) ? context.deployment.read()!.hubs : [];
    const addresses = new Set([...listed, ...noted.map(({ address }) => address.toRawString())]);
    const hubs: OpenedContract<Payout>[] = [];
    for (const raw of addresses) {
        const address = Address.parseRaw(raw);
        if (await isActive(context, address)) hubs.push(context.open(Payout.createFromAddress(address)));
    }
    return hubs;
}
