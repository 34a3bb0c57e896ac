import { Address, beginCell, Cell, loadShardAccount, type ShardAccount, storeShardAccount } from '@ton/core';

/** A ShardAccount that holds no account (account_none$0) and no transaction. */
const emptyShardAccount = beginCell()
    .storeRef(beginCell().storeBit(0).endCell())
    .storeUint(0, 256)
    .storeUint(0, 64)
    .endCell()
    .toBoc()
    .toString('base64');

export type AccountStatus = 'active' | 'uninitialized' | 'frozen';

/** One account as API clients see it. */
export interface AccountView {
    address: Address;
    status: AccountStatus;
    balanceNano: bigint;
    extraCurrencies: { id: number; amount: bigint }[];
    code: Cell | null;
    data: Cell | null;
    frozenHash: Buffer | null;
    lastLt: bigint;
    lastHash: Buffer;
}

interface StoredAccount {
    boc: string;
    parsed?: ShardAccount;
}

/** Every account of the network, by raw address, in the form that the emulator takes and gives. */
export class Accounts {
    private readonly stored = new Map<string, StoredAccount>();

    boc(address: string): string {
        return this.stored.get(address)?.boc ?? emptyShardAccount;
    }

    /** Accounts that ceased to exist are forgotten. */
    set(address: string, boc: string): void {
        const parsed = parse(boc);
        if (parsed.account) this.stored.set(address, { boc, parsed });
        else this.stored.delete(address);
    }

    setShardAccount(account: ShardAccount): void {
        const boc = beginCell().store(storeShardAccount(account)).endCell().toBoc().toString('base64');
        this.stored.set(account.account!.addr.toRawString(), { boc, parsed: account });
    }

    /** The account that such bytes describe, which may be a past one. */
    viewOfBoc(address: Address, boc: string): AccountView {
        return viewOf(address, parse(boc));
    }

    view(address: Address): AccountView {
        const stored = this.stored.get(address.toRawString());
        if (stored === undefined) return viewOf(address, parse(emptyShardAccount));
        stored.parsed ??= parse(stored.boc);
        return viewOf(address, stored.parsed);
    }

    balanceNano(address: string): bigint {
        return this.view(Address.parseRaw(address)).balanceNano;
    }

    addresses(): string[] {
        return [...this.stored.keys()];
    }

    totalNano(): bigint {
        return this.addresses().reduce((sum, address) => sum + this.balanceNano(address), 0n);
    }

    toJSON(): Record<string, string> {
        return Object.fromEntries([...this.stored].map(([address, { boc }]) => [address, boc]));
    }
}

function parse(boc: string): ShardAccount {
    return loadShardAccount(Cell.fromBase64(boc).beginParse());
}

function hashBuffer(hash: bigint): Buffer {
    return Buffer.from(hash.toString(16).padStart(64, '0'), 'hex');
}

function viewOf(address: Address, shardAccount: ShardAccount): AccountView {
    const account = shardAccount.account;
    const state = account?.storage.state;
    const other = account?.storage.balance.other;
    return {
        address,
        status: state?.type === 'active' ? 'active' : state?.type === 'frozen' ? 'frozen' : 'uninitialized',
        balanceNano: account?.storage.balance.coins ?? 0n,
        extraCurrencies: other ? [...other].map(([id, amount]) => ({ id, amount })) : [],
        code: state?.type === 'active' ? (state.state.code ?? null) : null,
        data: state?.type === 'active' ? (state.state.data ?? null) : null,
        frozenHash: state?.type === 'frozen' ? hashBuffer(state.stateHash) : null,
        lastLt: shardAccount.lastTransactionLt,
        lastHash: hashBuffer(shardAccount.lastTransactionHash),
    };
}
