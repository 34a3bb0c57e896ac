import { toNano } from '@ton/core';
import { inTagOrder } from '../../../wrappers';
import { ethereumKey } from '../../contracts/support/ethereum-key';
import { fillHub } from '../../contracts/support/filled-hub';
import { createSettlement, SettlementEnvironment, TestNode } from '../../contracts/support/settlement-environment';
import { must, Operation } from './scenario';

const nodesInHub = 2000;

/** The node was paid before, as in every settlement but the first. */
export async function settle1Line(): Promise<Operation> {
    const env = await createSettlement();
    await env.settle([env.line(env.nodes[0]!, { receiptNano: toNano('1') })]);
    const result = await env.settle([env.line(env.nodes[0]!, { receiptNano: toNano('2') })]);
    must((await env.escrow.getPaid(env.nodes[0]!.key.publicKey)) === toNano('2'), 'the line is paid');
    return { blockchain: env.blockchain, result };
}

/** Ten nodes of ten owners, paid before, at a hub of 2 000 nodes. */
export async function settle10Lines(): Promise<Operation> {
    const env = await createSettlement({ nodes: 10, feeBps: 0 });
    return settleTwice(env, env.nodes);
}

/** The same with nodes that sign under Ethereum keys. */
export async function settle10EthereumLines(): Promise<Operation> {
    const env = await createSettlement({ nodes: 10, feeBps: 0 });
    return settleTwice(
        env,
        env.nodes.map(({ owner }, i) => ({ key: ethereumKey(`node ${i}`), owner })),
    );
}

async function settleTwice(env: SettlementEnvironment, nodes: readonly TestNode[]): Promise<Operation> {
    await fillHub(env, nodes, nodesInHub);
    const lines = (receiptNano: bigint) => inTagOrder(nodes.map((node) => env.line(node, { receiptNano })));
    await env.settle(lines(toNano('0.1')));
    const result = await env.settle(lines(toNano('0.2')));
    for (const { key } of nodes) must((await env.escrow.getPaid(key.publicKey)) === toNano('0.2'), 'each line is paid');
    return { blockchain: env.blockchain, result };
}

export async function claim(): Promise<Operation> {
    const env = await createSettlement();
    await env.settle([env.line(env.nodes[0]!, { receiptNano: toNano('1') })]);
    const result = await env.hub.sendClaim(env.nodes[0]!.owner.getSender());
    return { blockchain: env.blockchain, result };
}

export async function withdrawFees(): Promise<Operation> {
    const env = await createSettlement({ feeBps: 250 });
    await env.settle([env.line(env.nodes[0]!, { receiptNano: toNano('8') })]);
    const result = await env.hub.sendWithdrawFees(env.operator.getSender());
    return { blockchain: env.blockchain, result };
}

export async function setFee(): Promise<Operation> {
    const env = await createSettlement();
    const result = await env.hub.sendSetFee(env.operator.getSender(), { feeBps: 300 });
    return { blockchain: env.blockchain, result };
}

export async function pruneNode(): Promise<Operation> {
    const env = await createSettlement();
    const [node] = env.nodes as [TestNode];
    const { settlesUntil } = (await env.hub.getNode(node.key.publicKey))!;
    env.at(settlesUntil + 1);
    const result = await env.hub.sendPruneNode(env.settler.getSender(), { nodeKey: node.key.publicKey });
    must((await env.hub.getNode(node.key.publicKey)) === null, 'the node is forgotten');
    return { blockchain: env.blockchain, result };
}
