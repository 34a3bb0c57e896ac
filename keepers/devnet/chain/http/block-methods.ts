import { z } from 'zod';
import { ChainError } from '../errors';
import { type ApiMethod, apiMethod } from './api-method';
import { hashParam, intParam, ltParam, seqnoParam, shardParam, workchainParam } from './read-param';
import {
    lookupBlock,
    renderBlockId,
    renderBlockTransactions,
    renderHeader,
    renderMasterchainInfo,
    renderShards,
} from './render-block';

const place = { workchain: workchainParam, shard: shardParam };
const hashes = { root_hash: hashParam.optional(), file_hash: hashParam.optional() };

const lookupSchema = z
    .object({ ...place, seqno: seqnoParam.optional(), lt: ltParam.optional(), unixtime: intParam.optional() })
    .refine(({ seqno, lt, unixtime }) => [seqno, lt, unixtime].filter((given) => given !== undefined).length === 1, {
        message: 'exactly one of seqno, lt and unixtime',
    });

const headerSchema = z.object({ ...place, ...hashes, seqno: seqnoParam });

const transactionsSchema = headerSchema.extend({
    after_lt: ltParam.optional(),
    after_hash: hashParam.optional(),
    count: intParam.pipe(z.int().min(1).max(1_000)).default(40),
});

export const blockMethods: Record<string, ApiMethod> = {
    getMasterchainInfo: apiMethod(z.unknown(), (chain) => renderMasterchainInfo(chain)),
    shards: apiMethod(z.object({ seqno: seqnoParam }), (chain, { seqno }) => renderShards(chain, seqno)),
    lookupBlock: apiMethod(lookupSchema, (chain, lookup) => renderBlockId(lookupBlock(chain, lookup))),
    getBlockHeader: apiMethod(headerSchema, (chain, params) => {
        const header = renderHeader(chain, params.workchain, params.seqno);
        checkHashes(header.id as Record<string, string>, params);
        return header;
    }),
    getBlockTransactions: apiMethod(
        transactionsSchema,
        (chain, { workchain, seqno, count, after_lt: afterLt, ...params }) => {
            const page = renderBlockTransactions(chain, { workchain, seqno, count, afterLt });
            checkHashes(page.id as Record<string, string>, params);
            return page;
        },
    ),
};

/** A client may insist on the block it means. */
function checkHashes(id: Record<string, string>, asked: { root_hash?: string; file_hash?: string }): void {
    const differs = (name: 'root_hash' | 'file_hash') =>
        asked[name] !== undefined && Buffer.from(id[name]!, 'base64').toString('hex') !== asked[name];
    if (differs('root_hash') || differs('file_hash')) {
        throw new ChainError('block_not_found', 'no block with this seqno has this hash');
    }
}
