import { Cell, serializeTuple } from '@ton/core';
import type { FastifyInstance } from 'fastify';
import { basechain } from '../core/block-ids';
import type { DevnetChain } from '../devnet-chain';
import { type ApiMethod, apiMethod } from '../http/api-method';
import { methodIdOf } from '../http/method-id';
import { existingBlock } from '../http/render-block';
import { bagOfRoots } from './bag-of-roots';
import { renderLatest, renderShardsOf, renderV4Account, renderV4AccountLite, renderV4Block } from './render-v4';
import { accountAt, atBlock, atUtime, changedSince, configAt, methodAt, sendBody, transactionsFrom } from './v4-params';

/** As many as a liteserver gives at once. */
const transactionsPerAnswer = 20;

/** What TonClient4 calls, except for the parsed form of transactions, which no keeper reads. */
export const v4Reads: Record<string, ApiMethod> = {
    '/block/latest': apiMethod(atBlock.partial(), (chain) => renderLatest(chain)),
    '/block/:seqno': apiMethod(atBlock, (chain, { seqno }) =>
        seqno > chain.headSeqno() ? { exist: false } : renderShardsOf(chain, seqno),
    ),
    '/block/utime/:utime': apiMethod(atUtime, (chain, { utime }) => {
        const seqno = chain.state.blocks.seqnoAt(utime);
        return utime > chain.nowSec() || seqno < 0 ? { exist: false } : renderShardsOf(chain, seqno);
    }),
    '/block/:seqno/config': apiMethod(configAt, configOf),
    '/block/:seqno/config/:ids': apiMethod(configAt, configOf),
    '/block/:seqno/:address': apiMethod(accountAt, (chain, { seqno, address }) => ({
        account: renderV4Account(chain.accountAt(address, seqno)),
        block: blockOf(chain, seqno),
    })),
    '/block/:seqno/:address/lite': apiMethod(accountAt, (chain, { seqno, address }) => ({
        account: renderV4AccountLite(chain.accountAt(address, seqno)),
    })),
    '/block/:seqno/:address/changed/:lt': apiMethod(changedSince, (chain, { seqno, address, lt }) => ({
        changed: chain.accountAt(address, seqno).lastLt > lt,
        block: blockOf(chain, seqno),
    })),
    '/block/:seqno/:address/run/:method': apiMethod(methodAt, runMethod),
    '/block/:seqno/:address/run/:method/:args': apiMethod(methodAt, runMethod),
    '/account/:address/tx/:lt/:hash': apiMethod(transactionsFrom, (chain, { address, lt, hash }) => {
        const page = { lt, hash, toLt: 0n, limit: transactionsPerAnswer };
        const records = chain.state.transactions.page(address, page);
        return {
            blocks: records.map(({ seqno }) => renderV4Block(existingBlock(chain, basechain, seqno))),
            boc: bagOfRoots(records.map(({ boc }) => Cell.fromBase64(boc))).toString('base64'),
        };
    }),
};

const send = apiMethod(sendBody, async (chain, { boc }) => {
    await chain.send(boc);
    return { status: 1 };
});

export interface V4Server {
    server: FastifyInstance;
    prefix: string;
    /** Sends what the method answers, or its refusal. */
    answer: (method: () => Promise<unknown>) => Promise<{ status: number; body: unknown }>;
}

/** Adds the API to a server, below a prefix. */
export function addV4Routes(chain: DevnetChain, { server, prefix, answer }: V4Server): void {
    for (const [path, method] of Object.entries(v4Reads)) {
        server.get(`${prefix}${path}`, async (request, reply) => {
            const { status, body } = await answer(() => method(chain, request.params));
            return reply.code(status).send(body);
        });
    }
    server.post(`${prefix}/send`, async (request, reply) => {
        const { status, body } = await answer(() => send(chain, request.body));
        return reply.code(status).send(body);
    });
}

async function runMethod(chain: DevnetChain, query: ReturnType<typeof methodAt.parse>): Promise<unknown> {
    const { seqno, address, method, args } = query;
    const { exitCode, stack } = await chain.runGetMethodAt(seqno, {
        address,
        methodId: methodIdOf(method),
        stack: args,
    });
    const resultRaw = serializeTuple(stack).toBoc({ idx: false }).toString('base64');
    const blocks = { block: blockOf(chain, seqno), shardBlock: renderV4Block(existingBlock(chain, basechain, seqno)) };
    return { exitCode, resultRaw, ...blocks };
}

function blockOf(chain: DevnetChain, seqno: number): Record<string, unknown> {
    return renderV4Block(existingBlock(chain, -1, seqno));
}

/** The whole configuration, whichever parameters were asked for: a client reads those that it wants. */
function configOf(chain: DevnetChain, { seqno }: { seqno: number }): unknown {
    const block = existingBlock(chain, -1, seqno);
    return {
        config: {
            cell: chain.config.cell.toBoc().toString('base64'),
            address: Buffer.alloc(32, 0x55).toString('hex'),
            globalBalance: { coins: chain.supply().balancesNano.toString() },
        },
        block: renderV4Block(block),
    };
}
