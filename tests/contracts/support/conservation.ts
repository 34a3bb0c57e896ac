import { Transaction } from '@ton/core';
import { Blockchain, BlockchainStorage } from '@ton/sandbox';

/** Sees every transaction and balance of the chain: what all accounts lost must be what validators got, to the nanoTON. */
export async function watchMoney(blockchain: Blockchain) {
    const first = allTransactions(blockchain).length;
    const before = totalBalance(blockchain);
    let minted = 0n;
    return {
        /** a message that the test made up brings value from nowhere */
        minted(amountNano: bigint) {
            minted += amountNano;
        },
        /** 0n when nothing was lost or made */
        leak(): bigint {
            const burned = burnedFees(allTransactions(blockchain).slice(first));
            return before + minted - burned - totalBalance(blockchain);
        },
    };
}

/** NanoTON held by all accounts of the chain together. */
function totalBalance(blockchain: Blockchain): bigint {
    return (blockchain as unknown as { storage: BlockchainStorage }).storage
        .knownContracts()
        .reduce((sum, contract) => sum + contract.balance, 0n);
}

/**
 * NanoTON that transactions took out of circulation: validators' fees, and the share of forward fees that travels in the
 * messages and is collected where they arrive.
 */
function burnedFees(transactions: readonly Transaction[]): bigint {
    let sum = 0n;
    for (const tx of transactions) {
        sum += tx.totalFees.coins;
        for (const message of tx.outMessages.values()) {
            if (message.info.type === 'internal') sum += message.info.forwardFee;
        }
    }
    return sum;
}

/** The sandbox keeps them all, but shows them by account only. */
function allTransactions(blockchain: Blockchain): readonly Transaction[] {
    return (blockchain as unknown as { transactions: Transaction[] }).transactions;
}
