import { basechain, type BlockId, type BlockIds, masterchain, wholeShard } from '../core/block-ids';
import { ChainError } from '../errors';
import type { DevnetChain } from '../devnet-chain';
import type { TransactionRecord } from '../core/transaction-record';

/** Blocks in toncenter's JSON. A basechain block exists for every masterchain block and has its seqno. */

export function renderBlockId(id: BlockId): Record<string, unknown> {
    return {
        '@type': 'ton.blockIdExt',
        workchain: id.workchain,
        shard: wholeShard,
        seqno: id.seqno,
        root_hash: id.rootHash.toString('base64'),
        file_hash: id.fileHash.toString('base64'),
    };
}

export function headBlock(chain: DevnetChain): Record<string, unknown> {
    return renderBlockId(chain.blockIds.masterchainBlock(chain.headSeqno()));
}

function blockIdOf(ids: BlockIds, workchain: number, seqno: number): BlockId {
    return workchain === masterchain ? ids.masterchainBlock(seqno) : ids.blockId(workchain, seqno);
}

export function existingBlock(chain: DevnetChain, workchain: number, seqno: number): BlockId {
    if (seqno > chain.headSeqno()) throw notFound();
    return blockIdOf(chain.blockIds, workchain, seqno);
}

function notFound(): ChainError {
    return new ChainError('block_not_found', 'LITE_SERVER_NOTREADY: cannot find block: block is not in db');
}

export interface BlockLookup {
    workchain: number;
    seqno?: number;
    lt?: bigint;
    unixtime?: number;
}

export function lookupBlock(chain: DevnetChain, lookup: BlockLookup): BlockId {
    return existingBlock(chain, lookup.workchain, lookupSeqno(chain, lookup));
}

function lookupSeqno(chain: DevnetChain, lookup: BlockLookup): number {
    if (lookup.seqno !== undefined) return lookup.seqno;
    if (lookup.unixtime !== undefined) {
        const seqno = chain.state.blocks.seqnoAt(Math.min(lookup.unixtime, chain.nowSec()));
        if (seqno < 0) throw notFound();
        return seqno;
    }
    const seqno = lookup.lt === undefined ? undefined : chain.state.transactions.seqnoOfLt(lookup.lt);
    if (seqno === undefined) throw notFound();
    return seqno;
}

export function renderHeader(chain: DevnetChain, workchain: number, seqno: number): Record<string, unknown> {
    const id = existingBlock(chain, workchain, seqno);
    const records = chain.state.transactions.ofBlock(seqno);
    return {
        '@type': 'blocks.header',
        id: renderBlockId(id),
        global_id: chain.config.globalId,
        version: 0,
        flags: 1,
        after_merge: false,
        after_split: false,
        before_split: false,
        want_merge: workchain !== masterchain,
        want_split: false,
        validator_list_hash_short: 0,
        catchain_seqno: 0,
        min_ref_mc_seqno: Math.max(0, seqno - 1),
        is_key_block: seqno === 0 && workchain === masterchain,
        prev_key_block_seqno: 0,
        start_lt: (records[0]?.lt ?? 0n).toString(),
        end_lt: (records.at(-1)?.lt ?? 0n).toString(),
        gen_utime: chain.state.blocks.timeOf(seqno),
        vert_seqno: 0,
        prev_blocks: seqno === 0 ? [] : [renderBlockId(blockIdOf(chain.blockIds, workchain, seqno - 1))],
    };
}

export function renderShards(chain: DevnetChain, seqno: number): Record<string, unknown> {
    return { '@type': 'blocks.shards', shards: [renderBlockId(existingBlock(chain, basechain, seqno))] };
}

export function renderMasterchainInfo(chain: DevnetChain): Record<string, unknown> {
    const init = chain.blockIds.masterchainBlock(0);
    const head = chain.blockIds.masterchainBlock(chain.headSeqno());
    return {
        '@type': 'blocks.masterchainInfo',
        last: renderBlockId(head),
        state_root_hash: head.rootHash.toString('base64'),
        init: renderBlockId(init),
    };
}

export interface BlockPage {
    workchain: number;
    seqno: number;
    count: number;
    afterLt?: bigint;
}

export function renderBlockTransactions(chain: DevnetChain, page: BlockPage): Record<string, unknown> {
    const id = existingBlock(chain, page.workchain, page.seqno);
    const all = chain.state.transactions.ofBlock(page.seqno).filter((record) => isIn(record, page.workchain));
    const left = all.filter((record) => page.afterLt === undefined || record.lt > page.afterLt);
    return {
        '@type': 'blocks.transactions',
        id: renderBlockId(id),
        req_count: page.count,
        incomplete: left.length > page.count,
        transactions: left.slice(0, page.count).map((record) => ({
            '@type': 'blocks.shortTxId',
            mode: 135,
            account: record.account,
            lt: record.lt.toString(),
            hash: Buffer.from(record.hash, 'hex').toString('base64'),
        })),
    };
}

function isIn(record: TransactionRecord, workchain: number): boolean {
    return record.account.startsWith(`${workchain}:`);
}
