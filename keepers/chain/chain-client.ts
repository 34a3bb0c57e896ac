import {
    type Address,
    type Contract,
    type ContractGetMethodResult,
    type ContractProvider,
    openContract,
    type OpenedContract,
    type StateInit,
    type Transaction,
    type TupleItem,
    TupleReader,
} from '@ton/core';
import { backgroundClock, type Logger, systemClock } from '../base';
import { type AgreeOptions, Agreement, type ReadChain } from './agreement/agreement';
import { canonical } from './agreement/canonical';
import { Canary, type CanaryOptions } from './canary';
import { ChainHealth } from './chain-health';
import { chainProvider } from './chain-provider';
import { ChainTime } from './chain-time';
import { type AccountState, ChainView } from './chain-view';
import { Coalescer } from './coalescer';
import type { AccountReading, TransactionId } from './endpoints/endpoint-api';
import { EndpointPool, type EndpointPoolOptions } from './endpoints/endpoint-pool';
import { ChainError } from './errors';
import { type History, type HistoryQuery, searchHistory } from './watch/account-history';
import { confirmedHistory, type ConfirmedOptions } from './watch/confirmed-history';

export type ChainClientOptions = EndpointPoolOptions;

/** A masterchain block by which evidence can be dated. */
export interface AnchorBlock {
    seqno: number;
    /** 32 bytes */
    rootHash: Buffer;
}

export type CanarySettings = Partial<Pick<CanaryOptions, 'intervalMs' | 'degradedIntervalMs' | 'quarantineMs'>>;

/**
 * The chain as keepers see it, through any number of endpoints. Throws ChainError only.
 *
 * Reads have one of two classes. Plain ones (`open`, `getAccount`, `getTransactions`) take any healthy endpoint's word:
 * right for what is checked again on chain, or only removes trust. `agree` takes what endpoints of two operators say alike:
 * for what adds trust or frees money. With endpoints of one operator there is nothing to compare, and it is believed.
 */
export class ChainClient {
    readonly health: ChainHealth;
    private readonly pool: EndpointPool;
    private readonly agreement: Agreement;
    private readonly time: ChainTime;
    private readonly coalescer = new Coalescer();
    private canary: Canary | undefined;

    constructor(options: ChainClientOptions) {
        this.pool = new EndpointPool(options);
        this.health = new ChainHealth({ pool: this.pool, clock: this.pool.clock });
        this.agreement = new Agreement(this.pool);
        this.time = new ChainTime(this.pool);
    }

    /** Looks at all endpoints in the background until `close`. Without it their health is what calls show. */
    monitor(logger?: Logger, settings: CanarySettings = {}): void {
        this.canary ??= new Canary({
            pool: this.pool,
            health: this.health,
            // It must not keep a process alive that has nothing else to do.
            clock: this.pool.clock === systemClock ? backgroundClock : this.pool.clock,
            logger,
            ...settings,
        });
        this.canary.start();
    }

    async close(): Promise<void> {
        await this.canary?.stop();
    }

    /** A wrapper bound to this chain; its senders take a `ChainWallet.sender()`. */
    open<T extends Contract>(contract: T): OpenedContract<T> {
        return openContract(contract, ({ address, init }) => this.provider(address, init));
    }

    provider(address: Address, init?: StateInit | null): ContractProvider {
        return chainProvider(this, address, init ?? null);
    }

    /**
     * What endpoints of two operators say alike; see `AgreeOptions` for what to believe when they don't.
     * @throws ChainError `agreement_unavailable`, `rpc_disagreement` or `chain_upgraded`, all worth trying again later
     */
    async agree<T>(read: ReadChain<T>, options: AgreeOptions<T> = {}): Promise<T> {
        this.requireUnderstood('trusted');
        return this.agreement.agree(read, options);
    }

    /** Several reads of one block at one endpoint, whichever is healthy. */
    latest<T>(read: ReadChain<T>, options: { signal?: AbortSignal } = {}): Promise<T> {
        return this.pool.first((endpoint, limits) => read(new ChainView(endpoint, limits)), options);
    }

    async getAccount(address: Address): Promise<AccountState> {
        return this.shared(`account ${address.toRawString()}`, (view) => view.getAccount(address));
    }

    /** With code and data. */
    readAccount(address: Address): Promise<AccountReading> {
        return this.shared(`state ${address.toRawString()}`, (view) => view.account(address));
    }

    async getBalanceNano(address: Address): Promise<bigint> {
        return (await this.getAccount(address)).balanceNano;
    }

    async isDeployed(address: Address): Promise<boolean> {
        return (await this.getAccount(address)).status === 'active';
    }

    /** @throws ChainError `account_inactive`, `get_method_failed` */
    async runGetMethod(address: Address, name: string, args: TupleItem[] = []): Promise<ContractGetMethodResult> {
        const key = `run ${address.toRawString()} ${name} ${canonical(args)}`;
        const items = await this.shared(key, (view) => view.runMethod(address, name, args));
        // Readers consume a stack; each that shares the call needs its own.
        return { stack: new TupleReader([...items]) };
    }

    /** Time of the latest block, unix seconds: what contracts compare deadlines with. Never goes back. */
    getChainTimeSec(): Promise<number> {
        return this.time.nowSec();
    }

    /** The newest masterchain block whose number ends in 00: what a contract can still look up an hour later. */
    getAnchorBlock(): Promise<AnchorBlock> {
        return this.pool.first(async (endpoint, limits) => {
            const head = await endpoint.call('head', (api) => api.head(), limits);
            const seqno = head.seqno - (head.seqno % 100);
            return { seqno, rootHash: await endpoint.call('block', (api) => api.blockRootHash(seqno), limits) };
        });
    }

    /** Newest first, each linked to the next by hash; with `before` those older than that transaction. */
    getTransactions(address: Address, options: { limit: number; before?: TransactionId }): Promise<Transaction[]> {
        return this.pool.first((endpoint, limits) =>
            endpoint.call('transactions', (api) => api.transactions(address, options), limits),
        );
    }

    /**
     * What happened to an account after the cursor, oldest first, as endpoints of two operators have it, and deep enough;
     * `watchTransactions` is the loop around it.
     */
    async confirmedSince(address: Address, options: ConfirmedOptions): Promise<Transaction[]> {
        this.requireUnderstood('trusted');
        return confirmedHistory(this.pool, address, options);
    }

    /** Looks for a transaction among those that follow, by hash, from one that the caller believes; see `searchHistory`. */
    searchHistory(address: Address, query: HistoryQuery): Promise<History> {
        return searchHistory(this.pool, address, query);
    }

    /**
     * Hands a serialised external message to the network; accepted doesn't mean executed.
     * @throws ChainError `message_rejected` when no operator's endpoint takes it, `chain_upgraded`
     */
    async sendBoc(boc: Buffer): Promise<void> {
        this.requireUnderstood('sent');
        const refusedBy = new Set<string>();
        for (;;) {
            let asked = '';
            try {
                return await this.pool.first(
                    async (endpoint, limits) => {
                        asked = endpoint.operator;
                        await endpoint.call('send', (api) => api.send(boc), limits);
                    },
                    { except: refusedBy },
                );
            } catch (error) {
                if (!(error instanceof ChainError) || error.code !== 'message_rejected') throw error;
                // One that lags refuses what is fine by now: another operator's word is taken too.
                refusedBy.add(asked);
                if (refusedBy.size >= Math.min(2, this.pool.operators)) throw error;
            }
        }
    }

    private shared<T>(key: string, read: ReadChain<T>): Promise<T> {
        return this.coalescer.share(key, (onSent) =>
            this.pool.first((endpoint, limits) => read(new ChainView(endpoint, limits)), { onSent }),
        );
    }

    private requireUnderstood(what: string): void {
        if (!this.health.isUpgraded) return;
        const reasons = this.health.status().reasons.join(', ');
        throw new ChainError(
            'chain_upgraded',
            `TON may have been upgraded (${reasons}): nothing is ${what} until its answers are known again`,
        );
    }
}
