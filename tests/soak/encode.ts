import { Cell, ContractProvider, Sender } from '@ton/core';

/** The body that a wrapper's method would send. */
export async function bodyOf(send: (chain: ContractProvider, sender: Sender) => Promise<void>): Promise<Cell> {
    let body: Cell | undefined;
    const chain = {
        internal: async (_via: Sender, args: { body?: Cell | null }) => {
            body = args.body ?? undefined;
        },
    };
    await send(chain as unknown as ContractProvider, {} as Sender);
    if (body === undefined) throw new Error('the wrapper sent nothing');
    return body;
}
