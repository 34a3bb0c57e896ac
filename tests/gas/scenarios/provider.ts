import { toNano } from '@ton/core';
import { EvidenceReceipt, Provider, receiptDigest } from '../../../wrappers';
import { testKey } from '../../contracts/support/ed25519';
import { builtOnce, must, Operation } from './scenario';
import { createNetwork, Network } from './network';

const nodeKey = testKey('node').publicKey;

const registered = builtOnce(async (): Promise<Network> => {
    const network = await createNetwork();
    await network.register('node');
    must((await network.provider.getKey(nodeKey)) !== null, 'the node is registered');
    return network;
});

async function admitted(): Promise<Network> {
    const network = await registered();
    const { provider, hub, registrar } = network;
    await provider.sendRequestAdmission(registrar.getSender(), { nodeKey, hub: hub.address });
    must((await hub.getNode(nodeKey)) !== null, 'the hub knows the node');
    return network;
}

/** Verifier, registry and provider. */
export async function registerNode(): Promise<Operation> {
    const { blockchain, provider, register } = await createNetwork();
    const result = await register('node');
    must((await provider.getKey(nodeKey)) !== null, 'the node is registered');
    return { blockchain, result };
}

/** Registry and provider. */
export async function registerByBond(): Promise<Operation> {
    const network = await createNetwork();
    const result = await network.registerByBond('node');
    must((await network.provider.getKey(nodeKey)) !== null, 'the node is registered');
    return { blockchain: network.blockchain, result };
}

/** The same key a day later, beside another. */
export async function reattestNode(): Promise<Operation> {
    const network = await registered();
    await network.register('second node');
    const before = (await network.provider.getKey(nodeKey))!.notAfter;
    network.pass(86_400);
    const result = await network.register('node');
    must((await network.provider.getKey(nodeKey))!.notAfter > before, 'the key lives longer');
    return { blockchain: network.blockchain, result };
}

/** Provider and hub, which books the node under a new owner. */
export async function admitNode(): Promise<Operation> {
    const { blockchain, provider, hub, registrar } = await registered();
    const result = await provider.sendRequestAdmission(registrar.getSender(), { nodeKey, hub: hub.address });
    must((await hub.getNode(nodeKey)) !== null, 'the hub knows the node');
    return { blockchain, result };
}

/** Registry, provider and hub, after the node's platform was denied. */
export async function recheck(): Promise<Operation> {
    const { blockchain, registry, provider, hub, registrar, governor, platformId } = await admitted();
    await registry.sendDenyPlatform(governor.getSender(), { platformId });
    const result = await registry.sendRecheck(registrar.getSender(), {
        provider: provider.address,
        hub: hub.address,
        nodeKey,
        distrusted: { platformId },
    });
    must((await hub.getNode(nodeKey))!.revokedAt !== null, 'the hub evicted the node');
    return { blockchain, result };
}

/** Two receipts with one sequence. */
export async function slash(): Promise<Operation> {
    const { blockchain, registry, provider, registrar } = await registered();
    const scope = { network: registry.network, escrow: Buffer.alloc(32, 0xe5), epoch: 1 };
    const signed = (cumulativeNano: bigint): EvidenceReceipt => {
        const receipt = {
            ...scope,
            nodeKey,
            sessionKey: Buffer.alloc(32, 0x5e),
            sequence: 1,
            costNano: 1n,
            cumulativeNano,
            reference: Buffer.alloc(32),
        };
        return { receipt, signature: testKey('node').sign(receiptDigest(receipt)) };
    };
    const receipts = [signed(1n), signed(2n)] as const;
    const result = await provider.sendSlash(registrar.getSender(), { nodeKey, ...scope, receipts });
    must((await provider.getKey(nodeKey))!.isSlashed, 'the key is slashed');
    return { blockchain, result };
}

export async function createProvider(): Promise<Operation> {
    const { blockchain, registry, registrar } = await createNetwork();
    const provider = blockchain.openContract(
        await Provider.createFromConfig({ registry: registry.address, owner: registrar.address }),
    );
    const operatorKey = testKey('operator').publicKey;
    return { blockchain, result: await provider.sendCreate(registrar.getSender(), { operatorKey }) };
}

export async function bond(): Promise<Operation> {
    const { blockchain, provider, owner } = await registered();
    return { blockchain, result: await provider.sendBond(owner.getSender(), { valueNano: toNano('10') }) };
}

export async function unbond(): Promise<Operation> {
    const { blockchain, provider, owner } = await registered();
    return { blockchain, result: await provider.sendUnbond(owner.getSender(), { amountNano: toNano('10') }) };
}

export async function withdrawBond(): Promise<Operation> {
    const { blockchain, provider, owner, pass } = await registered();
    await provider.sendUnbond(owner.getSender(), { amountNano: toNano('10') });
    pass((await provider.getState()).withdrawableAt! - blockchain.now!);
    return { blockchain, result: await provider.sendWithdrawBond(owner.getSender()) };
}

export async function setOperatorKey(): Promise<Operation> {
    const { blockchain, provider, owner } = await registered();
    const operatorKey = testKey('another operator').publicKey;
    return { blockchain, result: await provider.sendSetOperatorKey(owner.getSender(), { operatorKey }) };
}

export async function authorizeBundle(): Promise<Operation> {
    const { blockchain, provider, owner } = await registered();
    const bundleHash = Buffer.alloc(32, 0xb1);
    return { blockchain, result: await provider.sendAuthorizeBundle(owner.getSender(), { bundleHash }) };
}

export async function revokeKey(): Promise<Operation> {
    const { blockchain, provider, owner } = await registered();
    return { blockchain, result: await provider.sendRevokeKey(owner.getSender(), { nodeKey }) };
}
