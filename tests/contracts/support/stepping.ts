import { Address, beginCell, Cell } from '@ton/core';
import { Blockchain, createShardAccount, internal } from '@ton/sandbox';

/** 99 THROW */
const throwingCode = beginCell().storeUint(0xf2c063, 24).endCell();

/** A trace that stops after its first transaction, so that other messages can come between. */
export async function stepMessage(
    blockchain: Blockchain,
    message: { from: Address; to: Address; value: bigint; body: Cell },
) {
    const steps = await blockchain.sendMessageIter(internal({ ...message, bounce: true }), { allowParallel: true });
    await steps.next();
    return {
        /** the rest of the trace */
        async finish(): Promise<void> {
            for await (const step of steps) void step;
        },
    };
}

/** While `act` runs, the account at `address` refuses whatever reaches it, so that messages to it bounce. */
export async function whileRefusing(blockchain: Blockchain, address: Address, act: () => Promise<void>): Promise<void> {
    const contract = await blockchain.getContract(address);
    const state = contract.accountState;
    if (state?.type !== 'active' || !state.state.code || !state.state.data) throw new Error('nothing lives there');
    const { code, data } = state.state;
    const withCode = async (present: Cell, balance: bigint) =>
        blockchain.setShardAccount(address, createShardAccount({ address, code: present, data, balance }));
    await withCode(throwingCode, contract.balance);
    await act();
    await withCode(code, (await blockchain.getContract(address)).balance);
}
