import { createShardAccount } from '@ton/sandbox';
import { Address, beginCell, Cell } from '@ton/core';
import type { ChainState as SavedState } from '../store/snapshot';
import { Accounts } from './accounts';
import { BlockLine } from './block-line';
import { addFees, type FeeTotals, noFees } from './fee-totals';
import type { FaucetWallet } from './faucet-wallet';
import type { Trace } from './trace';
import { RecentStates } from './recent-states';
import { TransactionIndex } from './transaction-index';
import type { TransactionRecord } from './transaction-record';

/** Where mainnet keeps its configuration contract; tools read the parameters out of its data. */
const configAddress = Address.parseRaw(`-1:${'55'.repeat(32)}`);

/** What the network is after the last whole message. Changes in one synchronous step, so a reader sees all of it or none. */
export class ChainState {
    readonly accounts = new Accounts();
    readonly transactions = new TransactionIndex();
    readonly recent = new RecentStates();
    readonly blocks: BlockLine;
    fees: FeeTotals = noFees;
    lt = 0n;

    constructor(genesisTimeSec: number) {
        this.blocks = new BlockLine(genesisTimeSec);
    }

    addGenesisAccounts(faucet: FaucetWallet, supplyNano: bigint, config: Cell): void {
        const { address, init } = faucet;
        this.accounts.setShardAccount(createShardAccount({ address, ...init, balance: supplyNano }));
        const data = beginCell().storeRef(config).endCell();
        this.accounts.setShardAccount(
            createShardAccount({ address: configAddress, code: Cell.EMPTY, data, balance: 0n }),
        );
    }

    apply(trace: Trace): void {
        for (const [address, boc] of trace.accounts) {
            this.recent.replaced(address, trace.records[0]!.seqno, this.accounts.boc(address));
            this.accounts.set(address, boc);
        }
        for (const record of trace.records) this.addRecord(record);
        this.fees = addFees(this.fees, trace.fees);
        this.lt = trace.lt;
    }

    restore(saved: SavedState, records: TransactionRecord[]): void {
        for (const [address, boc] of Object.entries(saved.accounts)) this.accounts.set(address, boc);
        for (const record of records) this.addRecord(record);
        this.fees = saved.fees;
        this.lt = saved.lt;
        this.recent.beginAt(records.at(-1)?.seqno ?? 0);
    }

    private addRecord(record: TransactionRecord): void {
        this.transactions.add(record);
        this.blocks.append({ seqno: record.seqno, timeSec: record.timeSec });
    }
}
