import { Address, toNano } from '@ton/core';
import { SendMessageResult } from '@ton/sandbox';
import { SettlementEnvironment, TestNode } from './settlement-environment';

/** Gas of each transaction of hub and escrow, in order. */
export function gasSteps(env: SettlementEnvironment, result: SendMessageResult): number[] {
    const ours = [env.hub.address.toString(), env.escrow.address.toString()];
    return result.transactions.flatMap(({ inMessage, description }) => {
        const to = inMessage?.info.dest;
        if (!(to instanceof Address) || !ours.includes(to.toString())) return [];
        return description.type === 'generic' && description.computePhase.type === 'vm'
            ? [Number(description.computePhase.gasUsed)]
            : [];
    });
}

/** One line of each node with its receipt at `receiptTon`. */
export async function settleAll(env: SettlementEnvironment, nodes: readonly TestNode[], receiptTon: string) {
    return env.settle(nodes.map((node) => env.line(node, { receiptNano: toNano(receiptTon) })));
}
