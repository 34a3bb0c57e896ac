import type { Address, Transaction } from '@ton/core';
import type { ChainClient } from '../../../keepers/chain';

const pageSize = 100;

/** Every transaction of an account since it began, oldest first. */
export async function historyOf(client: ChainClient, account: Address): Promise<Transaction[]> {
    const newestFirst: Transaction[] = [];
    for (;;) {
        const oldest = newestFirst.at(-1);
        if (oldest !== undefined && oldest.prevTransactionLt === 0n) break;
        const before = oldest && { lt: oldest.lt, hash: oldest.hash() };
        const page = await client.getTransactions(account, { limit: pageSize, before });
        if (page.length === 0) break;
        newestFirst.push(...page);
    }
    return newestFirst.reverse();
}

/** What an account holds after all of this, from what came in, went out and was charged. */
export function balanceAfter(history: readonly Transaction[], startNano: bigint): bigint {
    let balanceNano = startNano;
    for (const { inMessage, outMessages, totalFees } of history) {
        if (inMessage?.info.type === 'internal') balanceNano += inMessage.info.value.coins;
        balanceNano -= totalFees.coins;
        for (const { info } of outMessages.values()) {
            if (info.type === 'internal') balanceNano -= info.value.coins + info.forwardFee;
        }
    }
    return balanceNano;
}
