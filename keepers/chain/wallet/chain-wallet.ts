import type { Address, Sender } from '@ton/core';
import PQueue from 'p-queue';
import { type Clock, isRetryable, type SendJournal, systemClock } from '../../base';
import type { ChainClient } from '../chain-client';
import { ChainError } from '../errors';
import { type TraceTransaction, walkTrace } from '../trace';
import { requireOk, transactionOutcome } from '../transaction-outcome';
import { HighloadProtocol } from './highload-protocol';
import type { KeeperWallet, SendOptions, SendResult, WalletMessages } from './keeper-wallet';
import { MemoryJournal } from './memory-journal';
import { type ExecutedSend, SendEngine, type SendLimits } from './send-engine';
import { V5Protocol } from './v5-protocol';
import type { WalletKey } from './wallet-key';
import type { WalletKind, WalletProtocol } from './wallet-protocol';

export interface ChainWalletOptions {
    client: ChainClient;
    key: WalletKey;
    kind?: WalletKind;
    /** Part of a V5 wallet's address: -239 mainnet (the default, also on devnets), -3 testnet. */
    networkGlobalId?: number;
    /** Remembers what was signed; without one it is forgotten when the process ends. */
    journal?: SendJournal;
    pollIntervalMs?: number;
    /** How long a signed request stays acceptable, in chain time. */
    lifeSec?: number;
    clock?: Clock;
}

/**
 * A wallet that sends at most once; with a durable journal also across crashes. Two processes with one key do each other
 * no harm but cost time: give each a key of its own.
 */
export class ChainWallet implements KeeperWallet {
    private readonly protocol: WalletProtocol;
    private readonly engine: SendEngine;
    private readonly queue: PQueue;
    private readonly clock: Clock;
    private readonly pollIntervalMs: number;

    constructor(private readonly options: ChainWalletOptions) {
        const { key, kind = 'v5r1', networkGlobalId = -239, clock = systemClock, pollIntervalMs = 2_000 } = options;
        this.protocol = kind === 'v5r1' ? new V5Protocol(key, networkGlobalId) : new HighloadProtocol(key);
        this.queue = new PQueue({ concurrency: this.protocol.maxUnderWay });
        this.clock = clock;
        this.pollIntervalMs = pollIntervalMs;
        this.engine = new SendEngine({
            client: options.client,
            protocol: this.protocol,
            journal: options.journal ?? new MemoryJournal(),
            pollIntervalMs,
            lifeSec: options.lifeSec ?? 60,
            clock,
        });
    }

    get kind(): WalletKind {
        return this.protocol.kind;
    }

    get address(): Address {
        return this.protocol.address;
    }

    get maxUnderWay(): number {
        return this.protocol.maxUnderWay;
    }

    getBalanceNano(): Promise<bigint> {
        return this.options.client.getBalanceNano(this.address);
    }

    marginNano(messages: number): bigint {
        return this.protocol.marginNano(messages);
    }

    sender(options: SendOptions = {}): Sender {
        return { address: this.address, send: async (message) => void (await this.sendAndConfirm([message], options)) };
    }

    /**
     * Sends the messages in one request and waits for the whole trace.
     * @throws ChainError `transaction_failed` when the wallet or a direct receiver refused; what later contracts did is
     * in the trace. `not_confirmed`: it may still be executed until the request's time is over. `send_untraced`: it may
     * have been executed, and nobody can tell any more. `not_executed`: signed several times, and none can be executed any more.
     */
    sendAndConfirm(messages: WalletMessages, options: SendOptions = {}): Promise<SendResult> {
        return this.queue.add(() => this.sendNow(messages, options));
    }

    idle(): Promise<void> {
        return this.queue.onIdle();
    }

    async recover(options: { timeoutMs?: number; signal?: AbortSignal } = {}): Promise<number> {
        const limits = this.limitsOf(options, 0);
        const open = await this.engine.openSends();
        const fates = await Promise.allSettled(open.map((send) => this.engine.resume(send, limits)));
        const failed = fates.find((fate) => fate.status === 'rejected' && !isRetryable(fate.reason));
        if (failed?.status === 'rejected') throw failed.reason;
        return (await this.engine.openSends()).length;
    }

    closeOverdue(wallet: string): Promise<void> {
        return this.engine.closeOverdue(wallet);
    }

    private limitsOf({ timeoutMs, signal }: Pick<SendOptions, 'timeoutMs' | 'signal'>, defaultMs: number): SendLimits {
        return { deadlineMs: this.clock.monotonicMs() + (timeoutMs ?? defaultMs), signal };
    }

    private async sendNow(messages: WalletMessages, options: SendOptions): Promise<SendResult> {
        const limits = this.limitsOf(options, 90_000);
        // Where requests are taken in order, a new one would wait behind an old one, or take its place.
        if (this.maxUnderWay === 1)
            for (const send of await this.engine.openSends()) await this.engine.resume(send, limits);
        const executed = await this.engine.execute(messages, options, limits);
        requireOk(transactionOutcome(executed.transaction));
        return this.follow(executed, limits);
    }

    private async follow({ id, transaction, messages }: ExecutedSend, limits: SendLimits): Promise<SendResult> {
        const { transactions: trace, complete } = await walkTrace(this.options.client, transaction, {
            timeoutMs: Math.max(0, limits.deadlineMs - this.clock.monotonicMs()),
            pollIntervalMs: this.pollIntervalMs,
            signal: limits.signal,
            clock: this.clock,
            maxTransactions: 64 * messages + 8,
        });
        const feeNano = trace.reduce((sum, one) => sum + one.feeNano, 0n);
        if (complete) await this.options.journal?.recordFee(id, feeNano);
        this.requireAllSent(trace, { messages, complete });
        this.requireReceived(trace);
        return { transactionHash: transaction.hash().toString('hex'), lt: transaction.lt, trace, complete, feeNano };
    }

    /** The wallet skips messages that it can't pay for. A highload wallet sends by calls of itself, which send on. */
    private requireAllSent(trace: TraceTransaction[], expected: { messages: number; complete: boolean }): void {
        const own = trace.filter(({ depth, ...one }) => depth === 0 || this.isSelfCall(one));
        const sent = own.reduce((sum, { outMessages }) => sum + outMessages, 0) - (own.length - 1);
        if (sent === expected.messages || (this.kind === 'highload-v3' && !expected.complete)) return;
        throw new ChainError('insufficient_gas_money', 'The wallet could not pay for all messages', {
            context: { sent, messages: expected.messages },
        });
    }

    private requireReceived(trace: TraceTransaction[]): void {
        const isDirect = (one: TraceTransaction) => one.sender?.equals(this.address) === true && !this.isSelfCall(one);
        const refused = trace.find((one) => isDirect(one) && !one.ok);
        if (refused) requireOk(refused);
    }

    private isSelfCall({ account, sender }: Pick<TraceTransaction, 'account' | 'sender'>): boolean {
        return account.equals(this.address) && sender?.equals(this.address) === true;
    }
}
