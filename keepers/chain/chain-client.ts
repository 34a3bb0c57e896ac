import {
    Address,
    type Contract,
    type ContractProvider,
    openContract,
    type OpenedContract,
    type StateInit,
    type Transaction,
    type TupleItem,
} from '@ton/core';
import { TonClient, type TonClientParameters } from '@ton/ton';
import { z } from 'zod';
import { errorMessage } from '../base';
import { ChainError } from './errors';
import { typedStack } from './stack';
import { RpcTransport, type RpcTransportOptions } from './rpc-transport';

export type ChainClientOptions = RpcTransportOptions;

export interface AccountState {
    balanceNano: bigint;
    status: 'active' | 'uninitialized' | 'frozen';
    /** Null for an account without transactions. */
    lastTransaction: { lt: bigint; hash: Buffer } | null;
    /** Time of the block that this answer is from. */
    chainTimeSec: number;
}

/** A masterchain block by which evidence can be dated. */
export interface AnchorBlock {
    seqno: number;
    /** 32 bytes */
    rootHash: Buffer;
}

const masterchainShard = '-9223372036854775808';
const blockIdSchema = z.looseObject({
    root_hash: z
        .string()
        .transform((text) => Buffer.from(text, 'base64'))
        .refine((hash) => hash.length === 32),
});

type HttpAdapter = Extract<NonNullable<TonClientParameters['httpAdapter']>, (...args: never[]) => unknown>;

/** Any account will do to learn the time of the latest block; this one is empty and never busy. */
const clockAccount = new Address(0, Buffer.alloc(32));

/** The chain as keepers see it: TonClient for the format, our transport for the network. Throws ChainError only. */
export class ChainClient {
    private readonly ton: TonClient;
    private readonly transport: RpcTransport;
    private latestChainTimeSec = 0;

    constructor(options: ChainClientOptions) {
        this.transport = new RpcTransport(options);
        this.ton = new TonClient({ endpoint: options.endpoints[0]!, httpAdapter: adapterOf(this.transport) });
    }

    /** A wrapper bound to this chain; its senders take a `ChainWallet.sender()`. */
    open<T extends Contract>(contract: T): OpenedContract<T> {
        return openContract(contract, ({ address, init }) => this.provider(address, init));
    }

    provider(address: Address, init?: StateInit | null): ContractProvider {
        const base = this.ton.provider(address, init ?? null);
        return {
            ...base,
            get: (name, args) => this.runGetMethod(address, String(name), args),
            getState: () => chainErrors(() => base.getState()),
            external: (message) => chainErrors(() => base.external(message)),
            open: (contract) => this.open(contract),
        };
    }

    async getAccount(address: Address): Promise<AccountState> {
        const state = await chainErrors(() => this.ton.getContractState(address));
        // An endpoint that lags must not turn the clock back.
        this.latestChainTimeSec = Math.max(this.latestChainTimeSec, state.timestampt);
        const last = state.lastTransaction;
        return {
            balanceNano: BigInt(state.balance),
            status: state.state,
            lastTransaction: last && { lt: BigInt(last.lt), hash: Buffer.from(last.hash, 'base64') },
            chainTimeSec: state.timestampt,
        };
    }

    async getBalanceNano(address: Address): Promise<bigint> {
        return (await this.getAccount(address)).balanceNano;
    }

    async isDeployed(address: Address): Promise<boolean> {
        return (await this.getAccount(address)).status === 'active';
    }

    /** Time of the latest block seen, unix seconds: what contracts compare deadlines with. Never goes back. */
    async getChainTimeSec(): Promise<number> {
        await this.getAccount(clockAccount);
        return this.latestChainTimeSec;
    }

    /** The newest masterchain block whose number ends in 00: what a contract can still look up an hour later. */
    async getAnchorBlock(): Promise<AnchorBlock> {
        const { latestSeqno } = await chainErrors(() => this.ton.getMasterchainInfo());
        const seqno = latestSeqno - (latestSeqno % 100);
        const answer = await this.transport.call('lookupBlock', { workchain: -1, shard: masterchainShard, seqno });
        const block = blockIdSchema.safeParse(answer);
        if (block.success) return { seqno, rootHash: block.data.root_hash };
        throw new ChainError('rpc_malformed', 'The endpoint answered lookupBlock in another form');
    }

    /** Newest first; with `before` those older than that transaction. */
    getTransactions(
        address: Address,
        options: { limit: number; before?: { lt: bigint; hash: Buffer } },
    ): Promise<Transaction[]> {
        const { before, limit } = options;
        const page = before ? { lt: before.lt.toString(), hash: before.hash.toString('base64') } : {};
        return chainErrors(() => this.ton.getTransactions(address, { limit, ...page, archival: true }));
    }

    /** Hands a serialised external message to the network; accepted doesn't mean executed. */
    sendBoc(boc: Buffer): Promise<void> {
        return chainErrors(() => this.ton.sendFile(boc));
    }

    private async runGetMethod(address: Address, name: string, args: TupleItem[] = []) {
        const result = await chainErrors(() => this.ton.runMethodWithError(address, name, args));
        const exitCode = result.exit_code;
        if (exitCode === 0 || exitCode === 1) return { stack: typedStack(result.stack) };
        const context = { method: name, exitCode, account: address.toString() };
        if (exitCode === -13 || exitCode === -256 || exitCode === -14) {
            throw new ChainError('account_inactive', `${address} has no code yet`, { context });
        }
        throw new ChainError('get_method_failed', `${name} of ${address} ended with exit code ${exitCode}`, {
            context,
        });
    }
}

/** TonClient speaks axios; this answers its requests through the transport. */
function adapterOf(transport: RpcTransport): HttpAdapter {
    return async (config) => {
        const { method, params } = JSON.parse(String(config.data)) as { method: string; params: unknown };
        const result = await transport.call(method, params);
        return { data: { ok: true, result }, status: 200, statusText: 'OK', headers: {}, config };
    };
}

async function chainErrors<T>(act: () => Promise<T>): Promise<T> {
    try {
        return await act();
    } catch (error) {
        if (error instanceof ChainError) throw error;
        throw new ChainError('rpc_malformed', `The endpoint answered in another form: ${errorMessage(error)}`, {
            cause: error,
        });
    }
}
