import type { Address, Contract, ContractProvider, ContractState } from '@ton/core';
import type { OperatorContext } from './context';

/** Any account, seen without knowing its code. */
class Account implements Contract {
    constructor(readonly address: Address) {}

    getState(provider: ContractProvider): Promise<ContractState> {
        return provider.getState();
    }
}

export async function isActive(context: OperatorContext, address: Address): Promise<boolean> {
    const { state } = await context.open(new Account(address)).getState();
    return state.type === 'active';
}

export async function balanceOf(context: OperatorContext, address: Address): Promise<bigint> {
    return (await context.open(new Account(address)).getState()).balance;
}

/** What `read` gives, or null while nobody has deployed the account. */
export async function ifActive<T>(
    context: OperatorContext,
    address: Address,
    read: () => Promise<T>,
): Promise<T | null> {
    return (await isActive(context, address)) ? read() : null;
}
