import type { Cell } from '@ton/core';
import type { AccountView } from '../core/accounts';
import { basechain, type BlockId, masterchain, wholeShard } from '../core/block-ids';
import type { DevnetChain } from '../devnet-chain';
import { existingBlock } from '../http/render-block';

/** Blocks and accounts in the JSON of TonClient4's API: base64 for hashes and bags of cells, text for amounts. */

export function renderV4Block(id: BlockId): Record<string, unknown> {
    return {
        workchain: id.workchain,
        seqno: id.seqno,
        shard: wholeShard,
        rootHash: id.rootHash.toString('base64'),
        fileHash: id.fileHash.toString('base64'),
    };
}

export function renderLatest(chain: DevnetChain): Record<string, unknown> {
    const seqno = chain.headSeqno();
    const head = chain.blockIds.masterchainBlock(seqno);
    const init = chain.blockIds.masterchainBlock(0);
    return {
        last: renderV4Block(head),
        init: { rootHash: init.rootHash.toString('base64'), fileHash: init.fileHash.toString('base64') },
        stateRootHash: head.rootHash.toString('base64'),
        now: chain.timeOf(seqno),
    };
}

/** The masterchain block and the basechain block of the same seqno, with their transactions. */
export function renderShardsOf(chain: DevnetChain, seqno: number): Record<string, unknown> {
    const shards = [masterchain, basechain].map((workchain) => ({
        ...renderV4Block(existingBlock(chain, workchain, seqno)),
        transactions: chain.state.transactions
            .ofBlock(seqno)
            .filter(({ account }) => account.startsWith(`${workchain}:`))
            .map(({ account, hash, lt }) => ({
                account,
                hash: Buffer.from(hash, 'hex').toString('base64'),
                lt: lt.toString(),
            })),
    }));
    return { exist: true, block: { shards } };
}

export function renderV4Account(account: AccountView): Record<string, unknown> {
    return { state: renderState(account), ...renderRest(account) };
}

/** Without code and data, which are large. */
export function renderV4AccountLite(account: AccountView): Record<string, unknown> {
    const { code, data } = account;
    const hashes = { codeHash: hashOf(code), dataHash: hashOf(data) };
    const state = account.status === 'active' ? { type: 'active', ...hashes } : renderState(account);
    return { state, ...renderRest(account) };
}

function renderState({ status, code, data, frozenHash }: AccountView): Record<string, unknown> {
    if (status === 'uninitialized') return { type: 'uninit' };
    if (status === 'frozen') return { type: 'frozen', stateHash: frozenHash!.toString('base64') };
    return { type: 'active', code: boc(code), data: boc(data) };
}

function renderRest(account: AccountView): Record<string, unknown> {
    const currencies = account.extraCurrencies.map(({ id, amount }) => [String(id), amount.toString()]);
    const { lastLt, lastHash } = account;
    return {
        balance: {
            coins: account.balanceNano.toString(),
            currencies: Object.fromEntries(currencies) as Record<string, string>,
        },
        last: lastLt === 0n ? null : { lt: lastLt.toString(), hash: lastHash.toString('base64') },
        storageStat: null,
    };
}

function boc(cell: Cell | null): string | null {
    return cell?.toBoc().toString('base64') ?? null;
}

function hashOf(cell: Cell | null): string {
    return cell?.hash().toString('base64') ?? '';
}
