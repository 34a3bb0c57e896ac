import type { Address, OpenedContract, Sender, SenderArguments, Transaction } from '@ton/core';
import { WalletContractV5R1 } from '@ton/ton';
import PQueue from 'p-queue';
import { type Clock, systemClock } from '../base';
import type { ChainClient } from './chain-client';
import { ChainError } from './errors';
import { findTransaction, type Trace, type TraceTransaction, walkTrace } from './trace';
import { requireOk, transactionOutcome } from './transaction-outcome';
import type { WalletKey } from './wallet-key';
import { requestSeqno, type SignedRequest, signRequest } from './wallet-message';

export interface ChainWalletOptions {
    client: ChainClient;
    key: WalletKey;
    /** Part of the wallet's address: -239 mainnet (the default, also on devnets), -3 testnet. */
    networkGlobalId?: number;
    pollIntervalMs?: number;
    /** How long a signed request stays acceptable, in chain time. */
    lifeSec?: number;
    clock?: Clock;
}

export interface SendOptions {
    timeoutMs?: number;
    signal?: AbortSignal;
}

export interface SendResult {
    /** Of the wallet's transaction, in hex. */
    transactionHash: string;
    lt: bigint;
    /** The wallet's transaction first, then everything that it caused. */
    trace: TraceTransaction[];
    /** False when the trace went on past the time limit. */
    complete: boolean;
}

/** The account's last transaction before the request was signed bounds where to look for it. */
type PreparedRequest = SignedRequest & { sinceLt: bigint };

interface SendLimits {
    deadlineMs: number;
    signal?: AbortSignal;
}

/** Kept back for the wallet's own gas and forwarding fees, for each message. */
export const feeMarginNano = 20_000_000n;
const maxMessages = 255;

/**
 * A V5R1 wallet that sends at most once. Requests go one at a time. The same signed bytes are sent again until the
 * wallet's seqno moves; new bytes are signed only when the old ones have become impossible: their time is over with
 * the seqno unmoved, or another request took the seqno. Two processes with one key that sign the same messages in the
 * same second make the same bytes, hence one transaction: give each process a key of its own.
 */
export class ChainWallet {
    readonly address: Address;
    private readonly wallet: WalletContractV5R1;
    private readonly opened: OpenedContract<WalletContractV5R1>;
    private readonly queue = new PQueue({ concurrency: 1 });
    private readonly clock: Clock;
    private readonly pollIntervalMs: number;

    constructor(private readonly options: ChainWalletOptions) {
        const { client, key, networkGlobalId = -239 } = options;
        this.wallet = WalletContractV5R1.create({ publicKey: key.publicKey, walletId: { networkGlobalId } });
        this.address = this.wallet.address;
        this.opened = client.open(this.wallet);
        this.clock = options.clock ?? systemClock;
        this.pollIntervalMs = options.pollIntervalMs ?? 2_000;
    }

    getBalanceNano(): Promise<bigint> {
        return this.options.client.getBalanceNano(this.address);
    }

    /** For wrappers: each send waits until the message was executed by its receiver. */
    sender(options: SendOptions = {}): Sender {
        return { address: this.address, send: async (message) => void (await this.sendAndConfirm([message], options)) };
    }

    /**
     * Sends the messages in one wallet transaction and waits for the whole trace.
     * @throws ChainError `transaction_failed` when the wallet or a direct receiver refused; what later contracts did is
     * in the trace. `not_confirmed`: it may still be executed until the request's time is over.
     */
    sendAndConfirm(messages: readonly SenderArguments[], options: SendOptions = {}): Promise<SendResult> {
        if (messages.length === 0 || messages.length > maxMessages) {
            throw new ChainError('wallet_invalid', `A wallet sends 1 to ${maxMessages} messages at once`);
        }
        return this.queue.add(() => this.sendNow(messages, options));
    }

    /** Resolves when nothing waits or runs. */
    idle(): Promise<void> {
        return this.queue.onIdle();
    }

    private async sendNow(messages: readonly SenderArguments[], options: SendOptions): Promise<SendResult> {
        const deadlineMs = this.clock.nowMs() + (options.timeoutMs ?? 90_000);
        const transaction = await this.executeOnce(messages, { deadlineMs, signal: options.signal });
        this.requireAllSent(transaction, messages.length);
        const trace = await walkTrace(this.options.client, transaction, {
            timeoutMs: Math.max(0, deadlineMs - this.clock.nowMs()),
            pollIntervalMs: this.pollIntervalMs,
            signal: options.signal,
            clock: this.clock,
            maxTransactions: 64 * messages.length,
        });
        return this.resultOf(transaction, trace);
    }

    private resultOf(transaction: Transaction, { transactions, complete }: Trace): SendResult {
        const refused = transactions.find(({ ok, depth }) => depth === 1 && !ok);
        if (refused) requireOk(refused);
        return {
            transactionHash: transaction.hash().toString('hex'),
            lt: transaction.lt,
            trace: transactions,
            complete,
        };
    }

    /** Signs anew only when the previous request can't be executed any more. */
    private async executeOnce(messages: readonly SenderArguments[], limits: SendLimits): Promise<Transaction> {
        for (;;) {
            const request = await this.prepare(messages);
            const transaction = await this.pushThrough(request, limits);
            if (transaction) return transaction;
        }
    }

    private async prepare(messages: readonly SenderArguments[]): Promise<PreparedRequest> {
        const account = await this.options.client.getAccount(this.address);
        const neededNano = messages.reduce((sum, { value }) => sum + value + feeMarginNano, 0n);
        if (account.balanceNano < neededNano) {
            throw new ChainError('insufficient_gas_money', `${this.address} holds too little: top it up`, {
                context: { balanceNano: account.balanceNano.toString(), neededNano: neededNano.toString() },
            });
        }
        const deploy = account.status !== 'active';
        const request = await signRequest({
            wallet: this.wallet,
            key: this.options.key,
            seqno: deploy ? 0 : await this.opened.getSeqno(),
            validUntilSec: (await this.options.client.getChainTimeSec()) + (this.options.lifeSec ?? 60),
            messages,
            deploy,
        });
        return { ...request, sinceLt: account.lastTransaction?.lt ?? 0n };
    }

    /** The request's transaction, or null when it can't ever be executed. */
    private async pushThrough(request: PreparedRequest, limits: SendLimits): Promise<Transaction | null> {
        let mayBeUnderWay = false;
        for (;;) {
            const rejection = await this.trySend(request);
            mayBeUnderWay ||= rejection === null;
            await this.clock.sleep(this.pollIntervalMs, limits.signal);
            const account = await this.options.client.getAccount(this.address);
            const moved = (account.lastTransaction?.lt ?? 0n) > request.sinceLt;
            const taker = moved ? await this.findTaker(request) : null;
            if (taker) return isRequest(taker, request) ? taker : null;
            // This very answer is from a block in which the request is over and was not executed.
            if (account.chainTimeSec > request.validUntilSec + expiryMarginSec) return null;
            if (rejection && !mayBeUnderWay) throw rejection;
            if (this.clock.nowMs() >= limits.deadlineMs) throw notConfirmed(this.address, request);
        }
    }

    /** A refusal is only returned: the wallet refuses the second copy of what it executed, too. */
    private async trySend(request: SignedRequest): Promise<ChainError | null> {
        try {
            await this.options.client.sendBoc(request.boc);
            return null;
        } catch (error) {
            if (error instanceof ChainError && error.code === 'message_rejected') return error;
            if (error instanceof ChainError && error.action === 'retry') return null;
            throw error;
        }
    }

    /** The transaction that used the request's seqno. */
    private findTaker(request: PreparedRequest): Promise<Transaction | null> {
        return findTransaction(this.options.client, this.address, {
            matches: (transaction) =>
                transaction.lt > request.sinceLt &&
                transaction.inMessage?.info.type === 'external-in' &&
                requestSeqno(transaction.inMessage.body) === request.seqno,
            notBeforeLt: request.sinceLt,
        });
    }

    /** The wallet skips messages that it can't pay for. */
    private requireAllSent(transaction: Transaction, messages: number): void {
        requireOk(transactionOutcome(transaction));
        if (transaction.outMessagesCount === messages) return;
        throw new ChainError('insufficient_gas_money', 'The wallet could not pay for all messages', {
            context: { sent: transaction.outMessagesCount, messages },
        });
    }
}

/** Blocks carry times a little apart. */
const expiryMarginSec = 10;

function isRequest(transaction: Transaction, request: SignedRequest): boolean {
    return transaction.inMessage?.body.equals(request.body) ?? false;
}

function notConfirmed(wallet: Address, request: SignedRequest): ChainError {
    return new ChainError('not_confirmed', 'The message was not seen on chain in time', {
        context: { wallet: wallet.toString(), seqno: request.seqno, validUntilSec: request.validUntilSec },
    });
}
