import { Address, type SenderArguments, type Transaction } from '@ton/core';
import { type Clock, isRetryable, type OpenSend, type SendFate, type SendJournal } from '../../base';
import type { ChainClient } from '../chain-client';
import type { AccountReading } from '../endpoints/endpoint-api';
import { ChainError } from '../errors';
import { expiryMarginSec, judgeSend } from './judge-send';
import type { SendOptions, WalletMessages } from './keeper-wallet';
import { observeSend } from './observe-send';
import type { WalletProtocol } from './wallet-protocol';

export interface EngineOptions {
    client: ChainClient;
    protocol: WalletProtocol;
    journal: SendJournal;
    pollIntervalMs: number;
    /** How long a signed request stays acceptable, in chain time. */
    lifeSec: number;
    clock: Clock;
}

export interface SendLimits {
    /** By the monotonic clock. */
    deadlineMs: number;
    signal?: AbortSignal;
}

export interface ExecutedSend {
    id: bigint;
    transaction: Transaction;
    /** Messages that it carried. */
    messages: number;
}

interface KnownFate {
    fate: SendFate;
    transaction: Transaction | null;
}

/** Refusals in a row that say more than that an endpoint lags. */
const patience = 3;

/** Beside what an earlier process may have had under way: a rival of the same key wins half of the races for a slot. */
const lostRaces = 8;

/**
 * Signs, records, and only then hands to the network; the same bytes again and again until the chain shows their fate.
 * New bytes are signed only when the old ones have become impossible.
 */
export class SendEngine {
    /** Sends that a call of this process is pushing. */
    private readonly underWay = new Set<bigint>();
    private slotsKnown = false;
    private lastSigned: bigint | null = null;
    private lastTaken: bigint | null = null;

    constructor(private readonly options: EngineOptions) {}

    /** Sends of earlier processes, or given up on by this one, whose fate is not known. */
    async openSends(): Promise<OpenSend[]> {
        const open = await this.options.journal.openSends(this.wallet);
        return open.filter(({ id }) => !this.underWay.has(id));
    }

    /** @throws ChainError `not_confirmed` when the time is up and its fate still open */
    async resume(send: OpenSend, limits: SendLimits): Promise<void> {
        if ((await this.fateOf(send)) === null) await this.pushThrough(send, limits);
    }

    /**
     * Signs anew only when the previous request can't be executed any more.
     * @throws ChainError `not_executed` when that was so too often
     */
    async execute(messages: WalletMessages, options: SendOptions, limits: SendLimits): Promise<ExecutedSend> {
        const maxSignings = lostRaces + this.options.protocol.maxUnderWay;
        for (let signings = 0; signings < maxSignings; signings++) {
            const list = typeof messages === 'function' ? await messages() : messages;
            const send = await this.signAndRecord(list, options);
            const { fate, transaction } = await this.pushThrough(send, limits);
            if (transaction) return { id: send.id, transaction, messages: list.length };
            if (fate === 'untraced') throw untraced(this.wallet, send);
        }
        throw new ChainError('not_executed', `The wallet took none of ${maxSignings} requests, and can't any more`, {
            context: { wallet: this.wallet },
        });
    }

    /**
     * Another wallet's requests whose time is over by the word of two operators. Whether they were executed before is for
     * the chain to show in what they wanted: nobody here may speak for that wallet's slots.
     */
    async closeOverdue(wallet: string): Promise<void> {
        const { client, journal, clock } = this.options;
        const open = await journal.openSends(wallet);
        if (open.length === 0) return;
        const { timeSec } = await client.agree((view) => view.account(Address.parseRaw(wallet)));
        for (const { id, validUntilSec } of open)
            if (timeSec !== null && timeSec > validUntilSec + expiryMarginSec)
                await journal.closeSend(id, { fate: 'untraced', transactionHash: null, atMs: clock.nowMs() });
    }

    private get wallet(): string {
        return this.options.protocol.address.toRawString();
    }

    private async signAndRecord(messages: readonly SenderArguments[], options: SendOptions): Promise<OpenSend> {
        const { client, protocol, journal, clock, lifeSec } = this.options;
        requireCount(messages, protocol);
        const estimatedFeeNano = await feeBelowCeiling(options);
        const account = await client.readAccount(protocol.address);
        requireMoney(account, messages, protocol);
        const signedAtSec = await client.getChainTimeSec();
        const { notAfterSec = Infinity } = options;
        if (signedAtSec > notAfterSec)
            throw new ChainError('send_outdated', 'The message would come too late to be of use');
        const request = {
            slot: await this.takeSlot(account, signedAtSec),
            validUntilSec: Math.min(signedAtSec + lifeSec, notAfterSec),
        };
        const { body, boc } = await protocol.sign({ ...request, messages, deploy: account.status !== 'active' });
        return journal.recordSend({
            ...request,
            wallet: this.wallet,
            signedAtSec,
            sinceLt: account.lastTransaction?.lt ?? 0n,
            bodyHash: body.hash(),
            boc,
            intentIds: options.intentIds ?? [],
            estimatedFeeNano,
            atMs: clock.nowMs(),
        });
    }

    private async takeSlot(account: AccountReading, chainTimeSec: number): Promise<bigint> {
        if (!this.slotsKnown) {
            const last = await this.options.journal.lastSlot(this.wallet);
            this.lastSigned ??= last;
            this.slotsKnown = true;
        }
        const { lastSigned, lastTaken } = this;
        this.lastSigned = this.options.protocol.nextSlot(account, { lastSigned, lastTaken, chainTimeSec });
        return this.lastSigned;
    }

    private async pushThrough(send: OpenSend, limits: SendLimits): Promise<KnownFate> {
        this.underWay.add(send.id);
        try {
            return await this.pushUntilKnown(send, limits);
        } finally {
            this.underWay.delete(send.id);
        }
    }

    private async pushUntilKnown(send: OpenSend, limits: SendLimits): Promise<KnownFate> {
        const { clock, pollIntervalMs } = this.options;
        let isTaken = false;
        for (let refusals = 0; ;) {
            const refusal = await this.tryToSend(send);
            isTaken ||= refusal === null;
            refusals = refusal === null ? 0 : refusals + 1;
            await clock.sleep(pollIntervalMs, limits.signal);
            const isLastLook = clock.monotonicMs() >= limits.deadlineMs;
            const known = await this.fateUnlessUnreachable(send, isLastLook);
            if (known) return known;
            if (refusal && !isTaken && refusals >= patience) throw refusal;
            if (isLastLook) throw notConfirmed(this.wallet, send);
        }
    }

    /** A refusal is only returned: the wallet refuses the second copy of what it executed, too. */
    private async tryToSend({ boc }: OpenSend): Promise<ChainError | null> {
        try {
            await this.options.client.sendBoc(boc);
            return null;
        } catch (error) {
            if (error instanceof ChainError && error.code === 'message_rejected') return error;
            if (isRetryable(error)) return null;
            throw error;
        }
    }

    private async fateUnlessUnreachable(send: OpenSend, isLastLook: boolean): Promise<KnownFate | null> {
        try {
            return await this.fateOf(send, isLastLook);
        } catch (error) {
            if (isRetryable(error)) return null;
            throw error;
        }
    }

    /** What became of it, closed in the journal; null while that is open. */
    private async fateOf(send: OpenSend, isLastLook = false): Promise<KnownFate | null> {
        const { client, protocol: wallet, journal, clock } = this.options;
        const seen = await observeSend(client, { wallet, send, isLastLook });
        const fate = judgeSend(seen);
        if (fate === null) return null;
        const { transaction } = seen;
        const transactionHash = transaction?.hash().toString('hex') ?? null;
        await journal.closeSend(send.id, { fate, transactionHash, atMs: clock.nowMs() });
        this.noteSlot(send.slot, fate);
        return { fate, transaction };
    }

    /** A request that ran out shows that what we took for the last taken slot may not have been: the account says it again. */
    private noteSlot(slot: bigint, fate: SendFate): void {
        if (fate === 'expired') this.lastTaken = null;
        else if (this.lastTaken === null || slot > this.lastTaken) this.lastTaken = slot;
    }
}

async function feeBelowCeiling({ estimatedFeeNano = 0n, maxFeeNano }: SendOptions): Promise<bigint> {
    const feeNano = typeof estimatedFeeNano === 'function' ? await estimatedFeeNano() : estimatedFeeNano;
    if (maxFeeNano === undefined || feeNano <= maxFeeNano) return feeNano;
    throw new ChainError('fee_above_ceiling', 'By the prices of the moment the message should cost more than it may', {
        context: { feeNano: feeNano.toString(), maxFeeNano: maxFeeNano.toString() },
    });
}

function requireCount(messages: readonly SenderArguments[], { maxMessages }: WalletProtocol): void {
    if (messages.length > 0 && messages.length <= maxMessages) return;
    throw new ChainError('wallet_invalid', `A wallet sends 1 to ${maxMessages} messages at once`);
}

function requireMoney(account: AccountReading, messages: readonly SenderArguments[], protocol: WalletProtocol): void {
    const valueNano = messages.reduce((sum, { value }) => sum + value, 0n);
    const neededNano = valueNano + protocol.marginNano(messages.length);
    if (account.balanceNano >= neededNano) return;
    throw new ChainError('insufficient_gas_money', `${protocol.address} holds too little: top it up`, {
        context: { balanceNano: account.balanceNano.toString(), neededNano: neededNano.toString() },
    });
}

function notConfirmed(wallet: string, send: OpenSend): ChainError {
    return new ChainError('not_confirmed', 'The message was not seen on chain in time', {
        context: { wallet, slot: send.slot.toString(), validUntilSec: send.validUntilSec },
    });
}

function untraced(wallet: string, send: OpenSend): ChainError {
    return new ChainError('send_untraced', 'No endpoint still has the transactions that say whether it was executed', {
        context: { wallet, slot: send.slot.toString(), validUntilSec: send.validUntilSec },
    });
}
