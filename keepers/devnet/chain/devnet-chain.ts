import { type Address, beginCell, Cell, type Message, storeMessage, type TupleItem } from '@ton/core';
import { type Clock, errorMessage, systemClock } from '../../base';
import { type AccountView } from './core/accounts';
import { BlockIds } from './core/block-ids';
import { ChainState } from './core/chain-state';
import { ChainTime } from './core/chain-time';
import { type EmulationContext, Emulator, type GetMethodOutcome } from './core/emulator';
import { type ExternalMessage, readExternalMessage } from './core/external-message';
import { FaucetWallet } from './core/faucet-wallet';
import { NetworkConfig } from './core/fee-config';
import { totalFees } from './core/fee-totals';
import { type FeeEstimate, feeEstimate } from './core/fee-estimate';
import { PrevBlocksEncoder } from './core/prev-blocks';
import { SerialQueue } from './core/serial-queue';
import { type Trace, TraceRunner } from './core/trace';
import type { TransactionRecord } from './core/transaction-record';
import { ChainError } from './errors';
import { type ChainOptions, chainOptionsSchema, parseOptions, type ResolvedChainOptions } from './options';
import { checkGenesis, type Genesis } from './store/genesis-file';
import type { JournalEvent } from './store/journal';
import { StateDirectory, type StoredChain } from './store/state-directory';

/** Left in the faucet on top of a payment, for its fees. */
const faucetReserveNano = 1_000_000_000n;

/** Where every nanoTON of the supply is. */
export interface SupplyReport {
    supplyNano: bigint;
    balancesNano: bigint;
    gasFeesNano: bigint;
    storageFeesNano: bigint;
    forwardFeesNano: bigint;
    burnedNano: bigint;
    /** All fees and what was burned; `balancesNano + collectedNano = supplyNano`. */
    collectedNano: bigint;
    conserved: boolean;
}

export interface GetMethodCall {
    address: Address;
    methodId: number;
    stack: TupleItem[];
}

interface Parts {
    genesis: Genesis;
    options: ResolvedChainOptions;
    time: ChainTime;
    config: NetworkConfig;
    emulator: Emulator;
    storage: StateDirectory | undefined;
}

/**
 * A TON network in one process: accounts, virtual blocks, chain time and the real transaction executor. Messages run one
 * at a time; when a call that changes something resolves, the change is on disk.
 */
export class DevnetChain {
    readonly genesis: Genesis;
    readonly config: NetworkConfig;
    readonly faucet: FaucetWallet;
    readonly blockIds: BlockIds;
    readonly state: ChainState;
    private readonly time: ChainTime;
    private readonly prevBlocks: PrevBlocksEncoder;
    private readonly runner: TraceRunner;
    private readonly queue: SerialQueue;
    /** Transactions that are not in the history file yet. */
    private unsaved: TransactionRecord[] = [];
    private sinceSnapshot = 0;
    private unfinishedSeqno = Infinity;
    /** Why the last snapshot could not be taken; the journal grows meanwhile. */
    snapshotError: string | undefined;

    private constructor(private readonly parts: Parts) {
        this.genesis = parts.genesis;
        this.config = parts.config;
        this.time = parts.time;
        this.faucet = new FaucetWallet(parts.genesis.seed);
        this.blockIds = new BlockIds(parts.genesis.seed);
        this.prevBlocks = new PrevBlocksEncoder(this.blockIds);
        this.state = new ChainState(parts.genesis.startTimeSec);
        this.runner = new TraceRunner(parts.emulator, this.state.accounts);
        this.queue = new SerialQueue(parts.options);
    }

    /** Opens the chain kept in `stateDir`, or begins a new one. */
    static async open(options: ChainOptions = {}, clock: Clock = systemClock): Promise<DevnetChain> {
        const resolved = parseOptions(chainOptionsSchema, options);
        const fresh = freshGenesis(resolved, clock);
        const opened = resolved.stateDir === undefined ? undefined : StateDirectory.open(resolved.stateDir, fresh);
        try {
            return await DevnetChain.start(resolved, clock, fresh, opened);
        } catch (error) {
            opened?.state.close();
            throw error;
        }
    }

    private static async start(
        options: ResolvedChainOptions,
        clock: Clock,
        fresh: Genesis,
        opened: { state: StateDirectory; stored: StoredChain } | undefined,
    ): Promise<DevnetChain> {
        const genesis = opened?.stored.genesis ?? fresh;
        checkGenesis(genesis, options);
        const config = NetworkConfig.of(genesis.feeConfig);
        const emulator = await Emulator.shared(config.base64);
        const time = new ChainTime(clock, genesis.time, genesis.startTimeSec, genesis.offsetSec);
        const chain = new DevnetChain({ genesis, options, time, config, emulator, storage: opened?.state });
        await chain.restore(opened?.stored);
        return chain;
    }

    // Reading

    nowSec(): number {
        return this.time.nowSec();
    }

    offsetSec(): number {
        return this.time.offsetSec;
    }

    /** Seqno of the newest finished masterchain block. The one that a message is being executed for is not finished. */
    headSeqno(): number {
        return Math.min(this.state.blocks.headAt(this.nowSec()), this.unfinishedSeqno - 1);
    }

    account(address: Address): AccountView {
        return this.state.accounts.view(address);
    }

    timeOf(seqno: number): number {
        return this.state.blocks.timeOf(seqno);
    }

    /**
     * The account as the block left it.
     * @throws ChainError `block_not_found` for a block that is not there yet, or too old
     */
    accountAt(address: Address, seqno: number): AccountView {
        const { recent, accounts } = this.state;
        if (seqno > this.headSeqno() || !recent.has(seqno)) {
            throw new ChainError('block_not_found', `no state of the block ${seqno} is kept`);
        }
        const past = recent.at(address.toRawString(), seqno);
        return past === undefined ? accounts.view(address) : accounts.viewOfBoc(address, past);
    }

    async runGetMethod(call: GetMethodCall): Promise<GetMethodOutcome> {
        return this.run(this.account(call.address), call, this.contextAt(this.nowSec(), this.headSeqno()));
    }

    /** At a block of the recent past, and its time. */
    async runGetMethodAt(seqno: number, call: GetMethodCall): Promise<GetMethodOutcome> {
        return this.run(this.accountAt(call.address, seqno), call, this.contextAt(this.timeOf(seqno), seqno));
    }

    private async run(account: AccountView, call: GetMethodCall, context: EmulationContext): Promise<GetMethodOutcome> {
        const { status, code, data, balanceNano } = account;
        // What toncenter answers for an account without code.
        if (status !== 'active' || code === null) return { exitCode: -13, gasUsed: 0, stack: [] };
        const state = { code, data: data ?? Cell.EMPTY, balance: balanceNano };
        return this.parts.emulator.runGetMethod({ ...context, ...state, ...call });
    }

    async estimateFee(message: Message, ignoreSignatures: boolean): Promise<FeeEstimate> {
        const context = this.contextAt(this.nowSec(), this.headSeqno());
        const lt = this.state.lt + 1_000_000n;
        const { accounts } = this.state;
        return feeEstimate({ emulator: this.parts.emulator, accounts, message, context, lt, ignoreSignatures });
    }

    supply(): SupplyReport {
        const { fees } = this.state;
        const balancesNano = this.state.accounts.totalNano();
        const collectedNano = totalFees(fees);
        return {
            supplyNano: this.genesis.supplyNano,
            balancesNano,
            gasFeesNano: fees.gasNano,
            storageFeesNano: fees.storageNano,
            forwardFeesNano: fees.forwardNano,
            burnedNano: fees.burnedNano,
            collectedNano,
            conserved: balancesNano + collectedNano === this.genesis.supplyNano,
        };
    }

    // Changing

    /** Runs an external message and everything that follows from it. Resolves to the first transaction. */
    async send(boc: Buffer): Promise<{ message: ExternalMessage; first: TransactionRecord }> {
        const message = readExternalMessage(boc);
        const first = await this.queue.run(() => this.execute(message.cell));
        return { message, first };
    }

    /** Pays out of the faucet's wallet by a message like any other. Resolves to the wallet's transaction. */
    async payFromFaucet(to: Address, amountNano: bigint): Promise<TransactionRecord> {
        return this.queue.run(() => {
            const { balanceNano, data } = this.account(this.faucet.address);
            if (amountNano <= 0n || amountNano + faucetReserveNano > balanceNano || data === null) {
                throw new ChainError('faucet_short', `the faucet holds ${balanceNano} nanoTON`);
            }
            const transfer = { to, amountNano, seqno: FaucetWallet.seqno(data), nowSec: this.nowSec() };
            return this.execute(
                beginCell()
                    .store(storeMessage(this.faucet.transfer(transfer)))
                    .endCell(),
            );
        });
    }

    /** Moves chain time forward. */
    async warp(seconds: number): Promise<void> {
        await this.queue.run(async () => {
            this.time.checkWarp(seconds);
            this.parts.storage?.append({ kind: 'warp', seconds });
            this.time.warp(seconds);
        });
    }

    async close(): Promise<void> {
        await this.queue.close();
        if (this.sinceSnapshot > 0) this.saveSnapshot();
        this.parts.storage?.close();
    }

    private async execute(message: Cell): Promise<TransactionRecord> {
        try {
            return await this.executeAt(this.nowSec(), message);
        } finally {
            this.unfinishedSeqno = Infinity;
        }
    }

    private async executeAt(timeSec: number, message: Cell): Promise<TransactionRecord> {
        const trace = await this.trace(message, timeSec);
        const lastHash = trace.records.at(-1)!.hash;
        const boc = message.toBoc({ idx: false }).toString('base64');
        this.parts.storage?.append({ kind: 'message', timeSec, boc, lastHash });
        this.apply(trace);
        this.sinceSnapshot += 1;
        if (this.sinceSnapshot % this.parts.options.snapshotEvery === 0) this.trySnapshot();
        return trace.records[0]!;
    }

    private trace(message: Cell, timeSec: number): Promise<Trace> {
        const head = this.state.blocks.headAt(timeSec);
        this.unfinishedSeqno = head + 1;
        return this.runner.run({
            message,
            context: this.contextAt(timeSec, head),
            seqno: head + 1,
            lt: this.state.lt,
            maxTransactions: this.parts.options.maxTraceTransactions,
        });
    }

    private apply(trace: Trace): void {
        this.state.apply(trace);
        if (this.parts.storage !== undefined) this.unsaved.push(...trace.records);
    }

    private contextAt(nowSec: number, head: number): EmulationContext {
        const randomSeed = this.blockIds.randomSeed(head + 1);
        return { nowSec, randomSeed, prevBlocks: this.prevBlocks.encode(head) };
    }

    private async restore(stored: StoredChain | undefined): Promise<void> {
        if (stored?.snapshot === undefined) {
            this.state.addGenesisAccounts(this.faucet, this.genesis.supplyNano, this.config.cell);
        } else {
            this.state.restore(stored.snapshot, stored.records);
            this.time.restoreOffset(stored.snapshot.offsetSec);
            this.time.notBefore(stored.snapshot.nowSec);
        }
        for (const event of stored?.events ?? []) await this.replay(event);
    }

    private async replay(event: JournalEvent): Promise<void> {
        this.sinceSnapshot += 1;
        if (event.kind === 'warp') return this.time.warp(event.seconds);
        const trace = await this.trace(Cell.fromBase64(event.boc), event.timeSec);
        if (trace.records.at(-1)!.hash !== event.lastHash) {
            throw new ChainError('state_corrupt', 'a message in the journal leads to other transactions than it did');
        }
        this.apply(trace);
        this.unfinishedSeqno = Infinity;
        this.time.notBefore(event.timeSec);
    }

    /** The message is safe in the journal already, so a full disk here must not fail it. */
    private trySnapshot(): void {
        try {
            this.saveSnapshot();
            this.snapshotError = undefined;
        } catch (error) {
            this.snapshotError = errorMessage(error);
        }
    }

    private saveSnapshot(): void {
        const { accounts, fees, lt } = this.state;
        const saved = { accounts: accounts.toJSON(), fees, lt, offsetSec: this.offsetSec(), nowSec: this.nowSec() };
        this.parts.storage?.saveSnapshot(saved, this.unsaved);
        this.unsaved = [];
        this.sinceSnapshot = 0;
    }
}

function freshGenesis(options: ResolvedChainOptions, clock: Clock): Genesis {
    const { seed, feeConfig, supplyNano, time } = options;
    const { startSec, offset } = ChainTime.genesis(clock, time, options.startTimeSec);
    return { seed, feeConfig, supplyNano, time, startTimeSec: startSec, offsetSec: offset };
}
