import type { AddressInfo } from 'node:net';
import type { FastifyInstance } from 'fastify';
import { type Clock, systemClock } from '../../base';
import './core/fast-cells';
import { DevnetChain } from './devnet-chain';
import { createServer, v4Prefix } from './http/server';
import { type DevnetChainOptions, parseOptions, serverOptionsSchema } from './options';

/** A network that serves. */
export interface RunningDevnetChain {
    /** Base address without a slash at the end. */
    url: string;
    /** What TonClient takes as its endpoint: toncenter's JSON-RPC. */
    endpoint: string;
    /** What TonClient4 takes as its endpoint. */
    endpointV4: string;
    faucetAddress: string;
    chain: DevnetChain;
    /** Finishes the message in progress, saves, and lets go of the state directory. */
    close(): Promise<void>;
}

export async function startDevnetChain(
    options: DevnetChainOptions = {},
    clock: Clock = systemClock,
): Promise<RunningDevnetChain> {
    const { host, port, v4Port, bodyLimitBytes, requestTimeoutMs, ...chainOptions } = parseOptions(
        serverOptionsSchema,
        options,
    );
    const chain = await DevnetChain.open(chainOptions, clock);
    const servers: FastifyInstance[] = [];
    const close = async () => {
        await chain.close();
        for (const server of servers) await server.close();
    };
    const serveAt = async (at: number): Promise<string> => {
        const server = createServer(chain, { host, port: at, bodyLimitBytes, requestTimeoutMs, ...chainOptions });
        servers.push(server);
        await server.listen({ host, port: at });
        return urlOf(host, server);
    };
    try {
        const url = await serveAt(port);
        const urlV4 = v4Port === undefined ? url : await serveAt(v4Port);
        return {
            url,
            endpoint: `${url}/api/v2/jsonRPC`,
            endpointV4: `${urlV4}${v4Prefix}`,
            faucetAddress: chain.faucet.address.toString(),
            chain,
            close,
        };
    } catch (error) {
        await close();
        throw error;
    }
}

function urlOf(host: string, { server }: FastifyInstance): string {
    return `http://${host.includes(':') ? `[${host}]` : host}:${(server.address() as AddressInfo).port}`;
}
