import {
    type Address,
    type Cell,
    type Contract,
    type ContractGetMethodResult,
    type ContractProvider,
    type ContractState,
    openContract,
    type OpenedContract,
    type TupleItem,
    TupleReader,
} from '@ton/core';
import { ChainError } from './errors';
import type { AccountReading } from './endpoints/endpoint-api';
import type { CallLimits, Endpoint } from './endpoints/endpoint';

export interface AccountState {
    balanceNano: bigint;
    status: 'active' | 'uninitialized' | 'frozen';
    /** Null for an account without transactions. */
    lastTransaction: { lt: bigint; hash: Buffer } | null;
    /** Time of the block that this answer is from, unix seconds. */
    chainTimeSec: number;
}

/**
 * What one endpoint says, all of it about one masterchain block: the one that the first answer is from, or the one asked
 * for. Reads only.
 */
export class ChainView {
    private pinned: number | null;
    private allPinned = true;

    constructor(
        private readonly endpoint: Endpoint,
        private readonly limits: CallLimits,
        seqno?: number,
    ) {
        this.pinned = seqno ?? null;
    }

    /** Of the block that this view shows; null before the first answer, and where the endpoint does not say. */
    get seqno(): number | null {
        return this.pinned;
    }

    /** False where an answer may be about another block than the rest: the endpoint took no block, or told none. */
    get isOfOneBlock(): boolean {
        return this.allPinned;
    }

    open<T extends Contract>(contract: T): OpenedContract<T> {
        return openContract(contract, ({ address }) => this.provider(address));
    }

    async getAccount(address: Address): Promise<AccountState> {
        const { balanceNano, status, lastTransaction, timeSec } = await this.account(address);
        return {
            balanceNano,
            status,
            lastTransaction,
            chainTimeSec: timeSec ?? this.endpoint.health.head?.timeSec ?? 0,
        };
    }

    async getBalanceNano(address: Address): Promise<bigint> {
        return (await this.account(address)).balanceNano;
    }

    async isDeployed(address: Address): Promise<boolean> {
        return (await this.account(address)).status === 'active';
    }

    async runGetMethod(address: Address, name: string, args: TupleItem[] = []): Promise<ContractGetMethodResult> {
        return { stack: new TupleReader(await this.runMethod(address, name, args)) };
    }

    /** @throws ChainError `account_inactive` or `get_method_failed` with the exit code */
    async runMethod(address: Address, name: string, args: TupleItem[] = []): Promise<TupleItem[]> {
        const asked = this.pinned;
        const { exitCode, stack, seqno } = await this.endpoint.call(
            'runMethod',
            async (api) => {
                const reading = await api.runMethod({ address, name, args }, asked ?? undefined);
                this.saw(asked, reading.seqno, null);
                return reading;
            },
            this.limits,
        );
        this.pin(seqno);
        if (exitCode === 0 || exitCode === 1) return stack;
        throw methodError(address, name, exitCode);
    }

    /** For wrappers. */
    provider(address: Address): ContractProvider {
        return {
            get: (name, args) => this.runGetMethod(address, String(name), args),
            getState: async () => contractState(await this.account(address)),
            open: (contract) => this.open(contract),
            external: () => Promise.reject(readOnly()),
            internal: () => Promise.reject(readOnly()),
            getTransactions: () => Promise.reject(readOnly()),
        };
    }

    async account(address: Address): Promise<AccountReading> {
        const asked = this.pinned;
        const reading = await this.endpoint.call(
            'account',
            async (api) => {
                const answer = await api.account(address, asked ?? undefined);
                this.saw(asked, answer.seqno, answer.timeSec);
                if (asked === null) this.endpoint.sawAccount(address, answer.lastTransaction?.lt ?? null);
                return answer;
            },
            this.limits,
        );
        this.pin(reading.seqno);
        return reading;
    }

    /** A read of now tells how far the endpoint's chain is. */
    private saw(asked: number | null, seqno: number | null, timeSec: number | null): void {
        if (asked === null && seqno !== null) this.endpoint.health.sawHead(seqno, timeSec);
    }

    private pin(seqno: number | null): void {
        this.pinned ??= seqno;
        if (seqno === null || seqno !== this.pinned) this.allPinned = false;
    }
}

function methodError(address: Address, method: string, exitCode: number): ChainError {
    const context = { method, exitCode, account: address.toString() };
    if (exitCode === -13 || exitCode === -256 || exitCode === -14) {
        return new ChainError('account_inactive', `${address} has no code yet`, { context });
    }
    return new ChainError('get_method_failed', `${method} of ${address} ended with exit code ${exitCode}`, { context });
}

function readOnly(): ChainError {
    return new ChainError('rpc_refused', 'A view only reads');
}

/** In the form of @ton/core. */
export function contractState(reading: AccountReading): ContractState {
    const { balanceNano: balance, status, code, data, lastTransaction: last } = reading;
    const bytes = (cell: Cell | null) => cell?.toBoc() ?? null;
    const state: ContractState['state'] =
        status === 'active'
            ? { type: 'active', code: bytes(code), data: bytes(data) }
            : status === 'frozen'
              ? { type: 'frozen', stateHash: Buffer.alloc(0) }
              : { type: 'uninit' };
    return { balance, extracurrency: null, last, state };
}
