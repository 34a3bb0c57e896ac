import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { beginCell } from '@ton/core';
import { request } from 'undici';
import { z } from 'zod';
import { ChainError } from '../../chain';
import { decodeKeyBundle, keyBundleCell, QuoteVerifier, quoteVerifierErrors } from '../../../wrappers';
import { DevnetError } from '../errors';
import type { LocalNetwork } from '../network/local-network';

/** Who refused the flipped quote, and in which words. */
export interface Refusal {
    refused: boolean;
    reason: string;
}

/** A byte of the TD report: signed, and not even looked at by name. */
const flippedOffset = 300;

const evidenceSchema = z.object({ quote: z.base64(), bundle: z.base64() });
const nodesSchema = z.object({
    nodes: z.array(
        z.object({
            nodeKey: z.string(),
            trusted: z.boolean(),
            refusal: z.object({ code: z.string(), detail: z.string() }).nullable(),
        }),
    ),
});

export function flipOneByte(quote: Buffer): Buffer {
    const flipped = Buffer.from(quote);
    flipped[flippedOffset]! ^= 1;
    return flipped;
}

async function getJson(url: string): Promise<unknown> {
    return (await request(url)).body.json();
}

/** Has the chain verify a running node's quote with one byte flipped. */
export async function tamperOnChain(network: LocalNetwork, node: string): Promise<Refusal> {
    const evidence = evidenceSchema.parse(await getJson(`${network.gatewayUrl}/cocoon/attestation/${node}`));
    const bundle = decodeKeyBundle(Buffer.from(evidence.bundle, 'base64'));
    const wallet = network.actors.wallets.governance;
    const verifier = network.client.open(QuoteVerifier.createFromAddress(network.deployment.quoteVerifier!));
    try {
        const held = await verifier.getCollateral();
        await verifier.sendVerify(wallet.sender(), {
            quote: flipOneByte(Buffer.from(evidence.quote, 'base64')),
            evaluation: Math.max(...held.tcbInfos.map((info) => info.evaluation)),
            bundle: keyBundleCell(bundle),
            authorization: beginCell().endCell(),
            responseTo: wallet.address,
        });
        return { refused: false, reason: 'the chain took it' };
    } catch (error) {
        if (!(error instanceof ChainError) || error.code !== 'transaction_failed') throw error;
        return { refused: true, reason: quoteVerifierErrors.get(Number(error.context['exitCode'])) ?? error.message };
    }
}

/** Shows a second gateway, started as any other, a dispatcher whose directory has one byte of the node's quote flipped. */
export async function tamperAtGateway(network: LocalNetwork, node: string): Promise<Refusal> {
    const proxy = await startTamperingDispatcher(network.dispatcherUrl, node);
    try {
        const gateway = await network.startSecondGateway(`http://127.0.0.1:${(proxy.address() as AddressInfo).port}`);
        try {
            return await refusalOf(gateway.url, node);
        } finally {
            await gateway.stop();
        }
    } finally {
        proxy.closeAllConnections();
        proxy.close();
    }
}

/** Waits until the gateway has judged the node. */
async function refusalOf(gatewayUrl: string, node: string): Promise<Refusal> {
    for (let attempt = 0; attempt < 100; attempt++) {
        const { nodes } = nodesSchema.parse(await getJson(`${gatewayUrl}/cocoon/nodes`));
        const judged = nodes.find(({ nodeKey }) => nodeKey === node);
        if (judged !== undefined) {
            const { refusal, trusted } = judged;
            return {
                refused: !trusted,
                reason: refusal === null ? 'the gateway trusts it' : `${refusal.code}: ${refusal.detail}`,
            };
        }
        await new Promise((resolve) => setTimeout(resolve, 200));
    }
    throw new DevnetError('demo_failed', 'the second gateway never judged the node');
}

async function startTamperingDispatcher(target: string, node: string): Promise<Server> {
    const server = createServer((_incoming, response) => {
        getJson(`${target}/v1/directory`).then(
            (directory) => {
                const rows = (directory as { nodes: { nodeKey: string; quote: string }[] }).nodes;
                const row = rows.find(({ nodeKey }) => nodeKey === node);
                if (row !== undefined) row.quote = flipOneByte(Buffer.from(row.quote, 'base64')).toString('base64');
                response.setHeader('content-type', 'application/json').end(JSON.stringify(directory));
            },
            () => response.writeHead(502).end(),
        );
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return server;
}
