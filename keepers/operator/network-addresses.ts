import type { Address, OpenedContract } from '@ton/core';
import { Escrow, Payout, Provider, Registry } from '../../wrappers';
import { isActive } from './account';
import type { OperatorContext } from './context';
import type { Deployment } from '../chain';
import { OperatorError } from './errors';

/** @throws OperatorError `not_ready` without a deployment file */
export function requireDeployment(context: OperatorContext): Deployment {
    const deployment = context.deployment.read();
    if (deployment) return deployment;
    throw new OperatorError(
        'not_ready',
        `${context.deployment.file} does not exist: run deploy-network or deploy-registry first`,
    );
}

/** The given registry, else that of the deployment file; must be on chain. */
export async function openRegistry(context: OperatorContext, given?: Address): Promise<OpenedContract<Registry>> {
    const address = given ?? requireDeployment(context).registry;
    await requireActive(context, address, 'registry', 'deploy-registry');
    return context.open(Registry.createFromAddress(address));
}

/** The given hub, else the only one of the deployment file; must be on chain. */
export async function openHub(context: OperatorContext, given?: Address): Promise<OpenedContract<Payout>> {
    const address = given ?? onlyHub(context);
    await requireActive(context, address, 'hub', 'deploy-hub');
    return context.open(Payout.createFromAddress(address));
}

function onlyHub(context: OperatorContext): Address {
    const { hubs } = requireDeployment(context);
    if (hubs.length === 1) return hubs[0]!.address;
    if (hubs.length === 0) throw new OperatorError('not_ready', 'the network has no hub yet: run deploy-hub first');
    const known = hubs.map((hub) => hub.address.toString()).join(', ');
    throw new OperatorError('argument_invalid', `which hub? name it by its address: ${known}`);
}

export interface EscrowChoice {
    hub?: Address;
    /** the operator's own wallet unless given */
    client?: Address;
    index: number;
}

/** The client's escrow at the hub, on chain or not yet. */
export async function openEscrowOf(
    context: OperatorContext,
    { hub, client, index }: EscrowChoice,
): Promise<OpenedContract<Escrow>> {
    const opened = await openHub(context, hub);
    const { registry, closeDelaySec } = await opened.getState();
    const config = {
        hub: opened.address,
        network: registry.hash,
        client: client ?? context.sender.address,
        index,
        closeDelaySec,
    };
    return context.open(await Escrow.createFromConfig(config));
}

/** The provider of an owner, the operator's own unless given; on chain or not yet. */
export async function openProviderOf(
    context: OperatorContext,
    choice: { registry?: Address; owner?: Address },
): Promise<OpenedContract<Provider>> {
    const registry = choice.registry ?? requireDeployment(context).registry;
    const owner = choice.owner ?? context.sender.address;
    return context.open(await Provider.createFromConfig({ registry, owner }));
}

/** @throws OperatorError `not_ready` unless the account has code */
export async function requireActive(
    context: OperatorContext,
    address: Address,
    what: string,
    remedy: string,
): Promise<void> {
    if (await isActive(context, address)) return;
    throw new OperatorError('not_ready', `the ${what} ${address} is not on chain: run ${remedy} first`);
}
