import type { Transaction } from '@ton/core';

/** What validators collected and what was destroyed since genesis, in nanoTON. */
export interface FeeTotals {
    gasNano: bigint;
    storageNano: bigint;
    /** Forwarding, import of external messages and fines of the action phase. */
    forwardNano: bigint;
    /** Sent to the address that burns what it receives. */
    burnedNano: bigint;
}

export const noFees: FeeTotals = { gasNano: 0n, storageNano: 0n, forwardNano: 0n, burnedNano: 0n };

/** Config parameter 5 of mainnet: whatever reaches this account is destroyed. */
const blackhole = `-1:${'ff'.repeat(32)}`;

export function addFees(left: FeeTotals, right: FeeTotals): FeeTotals {
    return {
        gasNano: left.gasNano + right.gasNano,
        storageNano: left.storageNano + right.storageNano,
        forwardNano: left.forwardNano + right.forwardNano,
        burnedNano: left.burnedNano + right.burnedNano,
    };
}

export function totalFees(fees: FeeTotals): bigint {
    return fees.gasNano + fees.storageNano + fees.forwardNano + fees.burnedNano;
}

/**
 * The fees of one transaction, read from the transaction itself and not from balances, so that comparing their sum with
 * balances means something. A message carries part of its forwarding fee to the block that imports it; that part is
 * collected there and is not in `totalFees`.
 */
export function feesOf(transaction: Transaction, account: string): FeeTotals {
    const { description } = transaction;
    const computed = 'computePhase' in description ? description.computePhase : undefined;
    const gasNano = computed?.type === 'vm' ? computed.gasFees : 0n;
    const storage = 'storagePhase' in description ? description.storagePhase : undefined;
    const storageNano = storage?.storageFeesCollected ?? 0n;
    const inInfo = transaction.inMessage?.info;
    const importedNano = inInfo?.type === 'internal' ? inInfo.forwardFee : 0n;
    return {
        gasNano,
        storageNano,
        forwardNano: transaction.totalFees.coins - gasNano - storageNano + importedNano,
        burnedNano: account === blackhole && inInfo?.type === 'internal' ? inInfo.value.coins : 0n,
    };
}
