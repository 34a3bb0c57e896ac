import {
    type Address,
    beginCell,
    comment,
    type ContractProvider,
    external,
    type StateInit,
    storeMessage,
    toNano,
} from '@ton/core';
import { contractState } from './chain-view';
import type { ChainClient } from './chain-client';

type InternalArgs = Parameters<ContractProvider['internal']>[1];

/** How wrappers read and send through a client; their first message brings the code of what is not deployed yet. */
export function chainProvider(client: ChainClient, address: Address, init: StateInit | null): ContractProvider {
    const neededInit = async () => (init !== null && !(await client.isDeployed(address)) ? init : null);
    return {
        get: (name, args) => client.runGetMethod(address, String(name), args),
        getState: async () => contractState(await client.readAccount(address)),
        external: async (body) => {
            const message = external({ to: address, init: await neededInit(), body });
            await client.sendBoc(beginCell().store(storeMessage(message)).endCell().toBoc());
        },
        internal: async (via, args) => {
            await via.send({ to: address, init: await neededInit(), ...internalOf(args) });
        },
        open: (contract) => client.open(contract),
        getTransactions: async (account, lt, hash, limit = 100) => {
            // Its callers want the transaction that they name too, which the page of those before it begins behind.
            const page = await client.getTransactions(account, { limit: Math.max(1, limit) });
            const from = page.findIndex((transaction) => transaction.lt === lt && transaction.hash().equals(hash));
            return from >= 0 ? page.slice(from) : client.getTransactions(account, { limit, before: { lt, hash } });
        },
    };
}

function internalOf({ value, bounce, sendMode, body, extracurrency }: InternalArgs) {
    return {
        value: typeof value === 'string' ? toNano(value) : value,
        bounce: bounce ?? true,
        sendMode,
        extracurrency,
        body: typeof body === 'string' ? comment(body) : body,
    };
}
