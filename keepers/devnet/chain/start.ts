import type { AddressInfo } from 'node:net';
import { type Clock, systemClock } from '../../base';
import { DevnetChain } from './devnet-chain';
import { createServer } from './http/server';
import { type DevnetChainOptions, parseOptions, serverOptionsSchema } from './options';

/** A network that serves. */
export interface RunningDevnetChain {
    /** Base address without a slash at the end. */
    url: string;
    /** What TonClient takes as its endpoint: toncenter's JSON-RPC. */
    endpoint: string;
    faucetAddress: string;
    chain: DevnetChain;
    /** Finishes the message in progress, saves, and lets go of the state directory. */
    close(): Promise<void>;
}

export async function startDevnetChain(
    options: DevnetChainOptions = {},
    clock: Clock = systemClock,
): Promise<RunningDevnetChain> {
    const { host, port, bodyLimitBytes, requestTimeoutMs, ...chainOptions } = parseOptions(
        serverOptionsSchema,
        options,
    );
    const chain = await DevnetChain.open(chainOptions, clock);
    const server = createServer(chain, { host, port, bodyLimitBytes, requestTimeoutMs, ...chainOptions });
    try {
        await server.listen({ host, port });
    } catch (error) {
        await chain.close();
        throw error;
    }
    const url = `http://${host.includes(':') ? `[${host}]` : host}:${(server.server.address() as AddressInfo).port}`;
    return {
        url,
        endpoint: `${url}/api/v2/jsonRPC`,
        faucetAddress: chain.faucet.address.toString(),
        chain,
        close: async () => {
            await chain.close();
            await server.close();
        },
    };
}
