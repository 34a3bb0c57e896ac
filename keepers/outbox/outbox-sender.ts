import type { Sender } from '@ton/core';
import { type Clock, CocoonError, isRetryable, systemClock } from '../base';
import { ChainError, type KeeperWallet, type SendOptions, type SendResult, type WalletMessages } from '../chain';
import { abandonedAfterMs, LedgerError, type NewIntent, type Outbox, type OutboxEntry } from '../ledger';

export type Intent = Omit<NewIntent, 'atMs' | 'owner'>;

export type IntentState = 'done' | 'partly' | 'undone';

/** What the chain shows of what the intent wanted, by whomever it was done; null where it can't tell yet. */
export type StateOf = (entry: OutboxEntry) => Promise<IntentState | null>;

/** What the intents themselves say is taken from them. */
export type RequestOptions = Omit<SendOptions, 'intentIds' | 'maxFeeNano' | 'notAfterSec'>;

export interface RecordedRequest extends RequestOptions {
    intents: readonly Intent[];
    messages: WalletMessages;
    stateOf: StateOf;
}

/** `open`: its request may still be executed; the next `reconcile` closes it. */
export type IntentOutcome = 'confirmed' | 'abandoned' | 'open';

export interface RequestOutcome {
    result: SendResult | null;
    /** Why nothing was sent, or refused; null when the direct receivers took it. */
    error: Error | null;
    /** Of each intent, in order. */
    outcomes: IntentOutcome[];
}

export interface OutboxSenderOptions {
    outbox: Outbox;
    wallet: KeeperWallet;
    clock?: Clock;
}

/** A keeper's way to the chain: recorded first, signed and recorded again, sent, and closed by what the chain shows. */
export class OutboxSender {
    readonly wallet: KeeperWallet;
    readonly outbox: Outbox;
    /** Since the start, for metrics. */
    readonly counters = { closed: new Map<string, number>(), resigned: 0 };
    private readonly clock: Clock;

    constructor(options: OutboxSenderOptions) {
        this.wallet = options.wallet;
        this.outbox = options.outbox;
        this.clock = options.clock ?? systemClock;
    }

    /** Never throws for what the chain or the wallet did: `error` says it. Throws when the outbox can't be written. */
    async send({ intents, messages, stateOf, ...options }: RecordedRequest): Promise<RequestOutcome> {
        const recorded = await this.recordAll(intents);
        if (recorded instanceof LedgerError)
            return { result: null, error: recorded, outcomes: intents.map(() => 'open') };
        let result: SendResult | null = null;
        let error: Error | null = null;
        try {
            const limits = limitsOf(intents);
            result = await this.wallet.sendAndConfirm(messages, { ...options, ...limits, intentIds: recorded });
        } catch (thrown) {
            error = thrown instanceof Error ? thrown : new Error(String(thrown));
        }
        const outcomes: IntentOutcome[] = [];
        for (const id of recorded) outcomes.push(await this.closeOne(id, stateOf, codeOf(error)));
        return { result, error, outcomes };
    }

    /** All or none: those that another request or keeper has in hand are not ours to send now, nor their neighbours. */
    private async recordAll(intents: readonly Intent[]): Promise<bigint[] | LedgerError> {
        const { owner } = this;
        const ids: bigint[] = [];
        try {
            for (const intent of intents)
                ids.push((await this.outbox.record({ ...intent, owner, atMs: this.clock.nowMs() })).id);
            return ids;
        } catch (error) {
            if (!(error instanceof LedgerError) || error.code !== 'intent_under_way') throw error;
            const closure = { state: 'abandoned', errorCode: 'superseded', atMs: this.clock.nowMs() } as const;
            for (const id of ids) await this.outbox.close(id, closure);
            return error;
        }
    }

    /** For wrappers: each message is one intent. Throws what the wallet throws. */
    sender(intent: Intent, stateOf: StateOf, options: RequestOptions = {}): Sender {
        return {
            address: this.wallet.address,
            send: async (message) => {
                const { error } = await this.send({ ...options, intents: [intent], messages: [message], stateOf });
                if (error !== null) throw error;
            },
        };
    }

    /**
     * Closes what earlier runs left open, as far as the chain shows. What was never signed, or whose request has become
     * impossible, is abandoned: the keeper decides afresh whether it is still wanted.
     */
    async reconcile(kind: string, stateOf: StateOf): Promise<void> {
        const open = (await this.outbox.open(kind)).filter((entry) => this.isOurs(entry));
        if (open.length === 0) return;
        await this.wallet.recover();
        for (const owner of ownersUnderWay(open)) if (owner !== this.owner) await this.wallet.closeOverdue(owner);
        for (const { id } of open) await this.closeOne(id, stateOf, null);
    }

    private get owner(): string {
        return this.wallet.address.toRawString();
    }

    private isOurs({ owner, updatedAtMs }: OutboxEntry): boolean {
        return owner === this.owner || this.clock.nowMs() - updatedAtMs > abandonedAfterMs;
    }

    private async closeOne(id: bigint, stateOf: StateOf, code: string | null): Promise<IntentOutcome> {
        const entry = await this.outbox.entry(id);
        if (entry.state === 'confirmed' || entry.state === 'abandoned') return entry.state;
        if (entry.sendFate === 'open') return 'open';
        const shown = await stateUnlessUnreachable(entry, stateOf);
        if (shown === null) return 'open';
        const state = shown === 'undone' ? 'abandoned' : 'confirmed';
        const errorCode = errorCodeOf(shown, code ?? unsentCode(entry));
        await this.outbox.close(id, { state, errorCode, atMs: this.clock.nowMs() });
        this.count(errorCode ?? state, entry);
        return state;
    }

    private count(outcome: string, { attempts }: OutboxEntry): void {
        this.counters.closed.set(outcome, (this.counters.closed.get(outcome) ?? 0) + 1);
        this.counters.resigned += Math.max(0, attempts - 1);
    }
}

/** Sent, taken by the direct receiver, and yet without effect; or with some of it only. */
export const noEffect = 'no_effect';
export const partialEffect = 'partial_effect';

function ownersUnderWay(entries: readonly OutboxEntry[]): Set<string> {
    return new Set(entries.filter(({ sendFate }) => sendFate === 'open').map(({ owner }) => owner));
}

/** Of one request for all of them: it may cost what they may together, and is of use while each is. */
function limitsOf(intents: readonly Intent[]): Pick<SendOptions, 'maxFeeNano' | 'notAfterSec'> {
    const ceilings = intents.flatMap(({ maxFeeNano }) => (maxFeeNano === undefined ? [] : [maxFeeNano]));
    const ends = intents.flatMap(({ notAfterSec }) => (notAfterSec === undefined ? [] : [notAfterSec]));
    const isBounded = ceilings.length === intents.length;
    return {
        ...(isBounded && { maxFeeNano: ceilings.reduce((sum, nano) => sum + nano, 0n) }),
        ...(ends.length > 0 && { notAfterSec: Math.min(...ends) }),
    };
}

function unsentCode({ sendFate }: OutboxEntry): string {
    return sendFate === null ? 'superseded' : noEffect;
}

function errorCodeOf(shown: IntentState, code: string): string | null {
    if (shown === 'done') return null;
    return shown === 'partly' ? partialEffect : code;
}

async function stateUnlessUnreachable(entry: OutboxEntry, stateOf: StateOf): Promise<IntentState | null> {
    try {
        return await stateOf(entry);
    } catch (error) {
        if (error instanceof ChainError && isRetryable(error)) return null;
        throw error;
    }
}

function codeOf(error: Error | null): string | null {
    if (error === null) return null;
    return error instanceof CocoonError ? (error as CocoonError).code : 'unexpected';
}
