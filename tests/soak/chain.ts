import {
    Address,
    beginCell,
    Cell,
    ContractGetMethodResult,
    ContractProvider,
    loadShardAccount,
    loadTransaction,
    Message,
    parseTuple,
    ShardAccount,
    storeMessage,
    storeShardAccount,
    Transaction,
    TupleItem,
    TupleReader,
} from '@ton/core';
import { createEmptyShardAccount, type Executor } from '@ton/sandbox';
import { sharedExecutor } from '../../keepers/devnet/chain/core/executor';
import { configAt, plainPrices, PriceLevels } from './prices';
import { StoredAccount } from './stored-account';

/** 99 THROW */
const throwingCode = beginCell().storeUint(0xf2c063, 24).endCell();
const getMethodGasLimit = 10_000_000n;
const randomSeed = Buffer.alloc(32, 5);
const ltStep = 1_000_000n;

export interface ChainImage {
    accounts: Map<string, StoredAccount>;
    now: number;
    lt: bigint;
}

export interface GetOptions {
    init?: { code: Cell; data: Cell };
    balanceNano?: bigint;
    nowSec?: number;
}

export interface Ran {
    transaction: Transaction;
    /** before the message came, storage fees not yet taken */
    balanceBeforeNano: bigint;
    balanceAfterNano: bigint;
}

/**
 * TON's transaction executor over a handful of accounts: one message, one transaction, nothing kept. The sandbox's Blockchain
 * runs whole traces and keeps them; here the caller decides what arrives when.
 */
export class SoakChain {
    private accounts = new Map<string, StoredAccount>();
    private config = '';
    private lt = ltStep;
    now = 1_900_000_000;
    prices: PriceLevels = plainPrices;

    private constructor(private readonly executor: Executor) {}

    static async create(image?: ChainImage): Promise<SoakChain> {
        const chain = new SoakChain(await sharedExecutor());
        await chain.setPrices(plainPrices);
        if (image) {
            chain.accounts = new Map(image.accounts);
            chain.now = image.now;
            chain.lt = image.lt;
        }
        return chain;
    }

    image(): ChainImage {
        return { accounts: new Map(this.accounts), now: this.now, lt: this.lt };
    }

    async setPrices(levels: PriceLevels): Promise<void> {
        this.prices = levels;
        this.config = await configAt(levels);
    }

    /** NanoTON of all accounts together. */
    totalNano(): bigint {
        return [...this.accounts.values()].reduce((sum, { balanceNano }) => sum + balanceNano, 0n);
    }

    balanceNano(address: Address): bigint {
        return this.stored(address).balanceNano;
    }

    isActive(address: Address): boolean {
        return this.stored(address).isActive;
    }

    /** One transaction. With `refusing`, the account runs code that throws, so that the message bounces; its data stay. */
    async run(message: Message, options: { refusing?: boolean } = {}): Promise<Ran> {
        const address = message.info.dest as Address;
        const before = this.stored(address);
        const isRefusing = options.refusing === true && before.isActive;
        this.lt += ltStep;
        const { result } = await this.executor.runTransaction({
            config: this.config,
            libs: null,
            verbosity: 'short',
            shardAccount: isRefusing ? withCode(before.shard, throwingCode) : before.shard,
            message: beginCell().store(storeMessage(message)).endCell(),
            now: this.now,
            lt: this.lt,
            randomSeed,
            ignoreChksig: false,
            debugEnabled: false,
        });
        if (!result.success) throw new Error(`the executor took no message for ${address}: ${result.error}`);
        const restored = isRefusing
            ? withCode(result.shardAccount, Cell.fromBase64(before.code()!))
            : result.shardAccount;
        const after = new StoredAccount(restored);
        this.accounts.set(address.toRawString(), after);
        return {
            transaction: loadTransaction(Cell.fromBase64(result.transaction).asSlice()),
            balanceBeforeNano: before.balanceNano,
            balanceAfterNano: after.balanceNano,
        };
    }

    /**
     * For the wrappers' getters. `init` stands in for an account that has no code yet, `balanceNano` for its balance, `nowSec`
     * for the present.
     */
    provider(address: Address, options: GetOptions = {}): ContractProvider {
        const get = async (name: string | number, stack: TupleItem[]): Promise<ContractGetMethodResult> => {
            const account = this.stored(address);
            const code = account.code() ?? options.init?.code.toBoc().toString('base64');
            const data = account.data() ?? options.init?.data.toBoc().toString('base64');
            if (code === undefined || data === undefined) throw new Error(`no code at ${address}`);
            const { output } = await this.executor.runGetMethod({
                config: this.config,
                verbosity: 'short',
                address,
                code: encoded(code),
                data: encoded(data),
                balance: options.balanceNano ?? account.balanceNano,
                methodId: typeof name === 'number' ? name : methodId(name),
                stack,
                unixTime: options.nowSec ?? this.now,
                randomSeed,
                gasLimit: getMethodGasLimit,
                debugEnabled: false,
            });
            if (!output.success || output.vm_exit_code !== 0)
                throw new Error(`get method ${name} of ${address} failed`);
            return { stack: new TupleReader(parseTuple(Cell.fromBase64(output.stack))) };
        };
        return { get } as unknown as ContractProvider;
    }

    private stored(address: Address): StoredAccount {
        return this.accounts.get(address.toRawString()) ?? new StoredAccount(encode(createEmptyShardAccount(address)));
    }
}

function encode(account: ShardAccount): string {
    return beginCell().store(storeShardAccount(account)).endCell().toBoc().toString('base64');
}

/** The executor asks its cells for nothing but their BOC. */
function encoded(boc: string): Cell {
    return { toBoc: () => Buffer.from(boc, 'base64') } as unknown as Cell;
}

function withCode(shard: string, code: Cell): string {
    const parsed = loadShardAccount(Cell.fromBase64(shard).asSlice());
    const account = parsed.account!;
    if (account.storage.state.type !== 'active') throw new Error('no code');
    const state = { type: 'active', state: { ...account.storage.state.state, code } } as const;
    return encode({ ...parsed, account: { ...account, storage: { ...account.storage, state } } });
}

function methodId(name: string): number {
    let crc = 0;
    for (const byte of Buffer.from(name)) {
        crc ^= byte << 8;
        for (let bit = 0; bit < 8; bit += 1) crc = crc & 0x8000 ? (crc << 1) ^ 0x1021 : crc << 1;
    }
    return (crc & 0xffff) | 0x10000;
}
