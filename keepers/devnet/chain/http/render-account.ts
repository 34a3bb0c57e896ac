import type { Address, Cell } from '@ton/core';
import type { AccountView } from '../core/accounts';
import type { DevnetChain } from '../devnet-chain';
import { headBlock, renderBlockId } from './render-block';

/** Accounts in toncenter's JSON. */

function boc(cell: Cell | null): string {
    return cell?.toBoc().toString('base64') ?? '';
}

function lastTransaction(account: AccountView): Record<string, unknown> {
    return {
        '@type': 'internal.transactionId',
        lt: account.lastLt.toString(),
        hash: account.lastHash.toString('base64'),
    };
}

function extraCurrencies(account: AccountView): Record<string, unknown>[] {
    return account.extraCurrencies.map(({ id, amount }) => ({
        '@type': 'extraCurrency',
        id,
        amount: amount.toString(),
    }));
}

/** Now, or as a block of the recent past left it. */
export function renderAddressInformation(
    chain: DevnetChain,
    address: Address,
    seqno = chain.headSeqno(),
): Record<string, unknown> {
    const account = chain.accountAt(address, seqno);
    return {
        '@type': 'raw.fullAccountState',
        balance: account.balanceNano.toString(),
        extra_currencies: extraCurrencies(account),
        code: boc(account.code),
        data: boc(account.data),
        last_transaction_id: lastTransaction(account),
        block_id: renderBlockId(chain.blockIds.masterchainBlock(seqno)),
        frozen_hash: account.frozenHash?.toString('base64') ?? '',
        sync_utime: chain.timeOf(seqno),
        state: account.status,
    };
}

export function renderExtendedInformation(chain: DevnetChain, address: Address): Record<string, unknown> {
    const account = chain.account(address);
    const frozenHash = account.frozenHash?.toString('base64') ?? '';
    const raw = { code: boc(account.code), data: boc(account.data), frozen_hash: frozenHash };
    return {
        '@type': 'fullAccountState',
        address: { '@type': 'accountAddress', account_address: address.toString() },
        balance: account.balanceNano.toString(),
        extra_currencies: extraCurrencies(account),
        last_transaction_id: lastTransaction(account),
        block_id: headBlock(chain),
        sync_utime: chain.nowSec(),
        account_state:
            account.status === 'uninitialized'
                ? { '@type': 'uninited.accountState', frozen_hash: '' }
                : { '@type': 'raw.accountState', ...raw },
        revision: 0,
    };
}

/** Wallets by the hash of their code, with the place of seqno and wallet id in their data. */
const wallets: Record<string, { type: string; skipBits: number; walletIdBits: number }> = {
    a0cfc2c48aee16a271f2cfc0b7382d81756cecb1017d077faaab3bb602f6868c: walletKind('wallet v1 r1', 0, 0),
    d4902fcc9fad74698fa8e353220a68da0dcf72e32bcb2eb9ee04217c17d3062c: walletKind('wallet v1 r2', 0, 0),
    '587cc789eff1c84f46ec3797e45fc809a14ff5ae24f1e0c7a6a99cc9dc9061ff': walletKind('wallet v1 r3', 0, 0),
    '5c9a5e68c108e18721a07c42f9956bfb39ad77ec6d624b60c576ec88eee65329': walletKind('wallet v2 r1', 0, 0),
    fe9530d3243853083ef2ef0b4c2908c0abf6fa1c31ea243aacaa5bf8c7d753f1: walletKind('wallet v2 r2', 0, 0),
    b61041a58a7980b946e8fb9e198e3c904d24799ffa36574ea4251c41a566f581: walletKind('wallet v3 r1', 0, 32),
    '84dafa449f98a6987789ba232358072bc0f76dc4524002a5d0918b9a75d2d599': walletKind('wallet v3 r2', 0, 32),
    feb5ff6820e2ff0d9483e7e0d62c817d846789fb4ae580c878866d959dabd5c0: walletKind('wallet v4 r2', 0, 32),
    '20834b7b72b112147e1b2fb457b84e74d1a30f04f737d4f62a668e9552d2b72f': walletKind('wallet v5 r1', 1, 32),
};

function walletKind(type: string, skipBits: number, walletIdBits: number) {
    return { type, skipBits, walletIdBits };
}

export function renderWalletInformation(chain: DevnetChain, address: Address): Record<string, unknown> {
    const account = chain.account(address);
    return {
        wallet: false,
        balance: account.balanceNano.toString(),
        extra_currencies: extraCurrencies(account),
        account_state: account.status,
        last_transaction_id: lastTransaction(account),
        ...walletFacts(account),
    };
}

function walletFacts(account: AccountView): Record<string, unknown> {
    const kind = account.code === null ? undefined : wallets[account.code.hash().toString('hex')];
    if (kind === undefined || account.data === null) return {};
    const slice = account.data.beginParse().skip(kind.skipBits);
    const seqno = slice.loadUint(32);
    const walletId = kind.walletIdBits > 0 ? { wallet_id: slice.loadInt(kind.walletIdBits) } : {};
    return { wallet: true, wallet_type: kind.type, seqno, ...walletId };
}
