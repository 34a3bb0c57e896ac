import { Address, Cell, Transaction } from '@ton/core';
import { Blockchain, internal } from '@ton/sandbox';

export interface Sent {
    from: Address;
    to: Address;
    value: bigint;
    body: Cell;
}

/** A trace that runs one transaction at a time, so that prices, clocks and other messages can come between. */
export async function startTrace(blockchain: Blockchain, message: Sent) {
    const steps = await blockchain.sendMessageIter(internal({ ...message, bounce: true }), { allowParallel: true });
    const done: Transaction[] = [];
    return {
        done,
        async step(count = 1): Promise<void> {
            for (let i = 0; i < count; i += 1) {
                const next = await steps.next();
                if (next.done === true) throw new Error('the trace is over');
                done.push(next.value);
            }
        },
        async finish(): Promise<void> {
            for await (const transaction of steps) done.push(transaction);
        },
    };
}
