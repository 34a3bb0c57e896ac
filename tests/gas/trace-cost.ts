import { Transaction } from '@ton/core';
import { Blockchain, SendMessageResult, TreasuryContract } from '@ton/sandbox';

/** What a trace took, wallets left out. */
export interface TraceCost {
    /** of all contracts together */
    gas: number;
    /** of the costliest single transaction of a contract */
    heaviestGas: number;
    /** nanoTON: the contracts' gas, and every message on its way */
    feeNano: bigint;
}

/**
 * Adds up a trace. Throws when a contract refused something in it: only what went through is worth measuring.
 * Forward fees are all counted, those of the wallet's own message too: who settles ten lines pays for sending them.
 */
export async function costOf(blockchain: Blockchain, { transactions }: SendMessageResult): Promise<TraceCost> {
    const cost: TraceCost = { gas: 0, heaviestGas: 0, feeNano: 0n };
    for (const tx of transactions) {
        if (tx.description.type !== 'generic') continue;
        cost.feeNano += tx.description.actionPhase?.totalFwdFees ?? 0n;
        if (await isWallet(blockchain, tx)) continue;
        const { computePhase, actionPhase, aborted } = tx.description;
        if (computePhase.type !== 'vm') continue;
        if (aborted || actionPhase?.success === false)
            throw new Error(`refused with exit code ${computePhase.exitCode}`);
        const gas = Number(computePhase.gasUsed);
        cost.gas += gas;
        cost.heaviestGas = Math.max(cost.heaviestGas, gas);
        cost.feeNano += computePhase.gasFees;
    }
    return cost;
}

async function isWallet(blockchain: Blockchain, tx: Transaction): Promise<boolean> {
    const address = tx.inMessage?.info.dest;
    if (!address || !('hash' in address)) throw new Error('a transaction without an account');
    const { accountState } = await blockchain.getContract(address);
    return accountState?.type === 'active' && accountState.state.code?.equals(TreasuryContract.code) === true;
}
