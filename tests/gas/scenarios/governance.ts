import { beginCell, toNano } from '@ton/core';
import { GovernanceAction } from '../../../wrappers';
import { createNetwork, Network } from './network';
import { must, Operation } from './scenario';

const action: GovernanceAction = {
    kind: 'allowImage',
    imageId: Buffer.alloc(32, 0x55),
    imageKind: 'tdx',
    name: 'another image',
};

async function proposed() {
    const network = await createNetwork();
    const result = await network.registry.sendPropose(network.governor.getSender(), { action });
    const proposalId = (await network.registry.getProposals()).at(-1)!.id;
    return { ...network, result, proposalId };
}

export async function propose(): Promise<Operation> {
    const { blockchain, result } = await proposed();
    return { blockchain, result };
}

export async function execute(): Promise<Operation> {
    const { blockchain, registry, registrar, proposalId, governanceDelaySec, pass } = await proposed();
    pass(governanceDelaySec);
    return { blockchain, result: await registry.sendExecute(registrar.getSender(), { proposalId }) };
}

export async function cancel(): Promise<Operation> {
    const { blockchain, registry, governor, proposalId } = await proposed();
    return { blockchain, result: await registry.sendCancel(governor.getSender(), { proposalId }) };
}

export async function revokeImage(): Promise<Operation> {
    const { blockchain, registry, governor, imageId } = await createNetwork();
    return { blockchain, result: await registry.sendRevokeImage(governor.getSender(), { imageId }) };
}

export async function revokeModel(): Promise<Operation> {
    const { blockchain, registry, governor, modelRoot } = await createNetwork();
    return { blockchain, result: await registry.sendRevokeModel(governor.getSender(), { modelRoot }) };
}

export async function denyPlatform(): Promise<Operation> {
    const { blockchain, registry, governor, platformId } = await createNetwork();
    return { blockchain, result: await registry.sendDenyPlatform(governor.getSender(), { platformId }) };
}

/** Registry and hub. */
export async function listHub(): Promise<Operation> {
    const network = await createNetwork();
    const result = await announce(network);
    must((await network.registry.getHub(network.hub.address)) !== null, 'the hub is listed');
    return { blockchain: network.blockchain, result };
}

/** The bond comes back. */
export async function unlistHub(): Promise<Operation> {
    const network = await createNetwork();
    const { blockchain, registry, hub, dispatcher } = network;
    await announce(network);
    const result = await hub.sendWithdrawListing(dispatcher.getSender(), { valueNano: toNano('0.5') });
    must((await registry.getHub(hub.address)) === null, 'the hub is off the list');
    return { blockchain, result };
}

function announce({ hub, dispatcher }: Network) {
    const endpoint = beginCell().storeStringTail('https://dispatcher.example').endCell();
    return hub.sendAnnounce(dispatcher.getSender(), { valueNano: toNano('12'), endpoint });
}
