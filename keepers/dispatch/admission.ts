import { type Clock, nowSec } from '../base';
import {
    bindingOfEnvelope,
    type CapRaise,
    capWindowHash,
    checkCap,
    checkCapRaise,
    ConfidentialError,
    type ParsedEnvelope,
} from '../confidential';
import { type CapRecord, type DispatchLedger, type EscrowFunds, LedgerError } from '../ledger';
import { DispatchError } from './errors';
import type { EscrowAccount, EscrowBook } from './escrow-book';

export interface AdmissionOptions {
    network: Buffer;
    book: EscrowBook;
    ledger: DispatchLedger;
    clock: Clock;
    /** A request may not ask to be kept for longer. */
    maxDeadlineMs?: number;
}

/** An hour, and what a gateway's clock may be ahead. */
const defaultMaxDeadlineMs = 3_600_000 + 180_000;

/** More than any ledger can owe: what is owed already is written down whatever the escrow holds, and owes its other nodes. */
const boundless: EscrowFunds = { balanceNano: 1n << 127n, paidNano: new Map() };

/** What an escrow is asked about. */
interface Asking {
    context: Pick<ParsedEnvelope['context'], 'escrow' | 'epoch'>;
    sessionKey: Buffer;
}

type EscrowStatus = EscrowAccount['status'];

/** Until the escrow is closed, what was begun goes on and what is owed can be settled. */
const notClosed: readonly EscrowStatus[] = ['open', 'closing'];

export type OwedRequest = Omit<CapRecord, 'worstCaseNano' | 'funds' | 'atMs'>;

/** Decides whether a request is paid for, and writes its cap down durably before anyone works on it. */
export class Admission {
    /** Envelopes whose cap was verified: they are checked again after they waited, and a signature does not go bad. */
    private readonly signed = new WeakSet<ParsedEnvelope>();

    constructor(private readonly options: AdmissionOptions) {}

    /**
     * @param onAccepted the rules have taken the request, for good unless the disk fails; called once, before this
     * returns and in the step in which they did, so that its node can begin while the disk is still writing
     * @throws DispatchError; when it returns, cap and reservation are on disk
     */
    async admit(envelope: ParsedEnvelope, onAccepted: () => void = () => undefined): Promise<void> {
        const accepted = once(onAccepted);
        await this.record(envelope, { account: await this.check(envelope), onAccepted: accepted });
        accepted();
    }

    /**
     * A request that is not recorded although its node worked: funds or no funds, since it is owed.
     * @throws DispatchError when the escrow does not know its session key
     */
    async recordOwed(owed: OwedRequest, costNano: bigint): Promise<void> {
        const { escrow, epoch, sessionKey } = owed;
        await this.accountFor({ context: { escrow, epoch }, sessionKey });
        const atMs = this.options.clock.nowMs();
        await this.options.ledger.recordCap({ ...owed, worstCaseNano: costNano, funds: boundless, atMs });
    }

    /**
     * Who may wait for a node: only what an open escrow's own session key has signed. Nothing is reserved yet.
     * @throws DispatchError
     */
    async check(envelope: ParsedEnvelope): Promise<EscrowAccount> {
        this.checkContext(envelope);
        this.checkSignature(envelope);
        return this.accountFor(envelope, ['open']);
    }

    /**
     * Before a request waits; one that does not is refused by the ledger when it is recorded, with nothing read before.
     * @throws DispatchError `request_replayed`
     */
    async refuseReplay({ context }: ParsedEnvelope): Promise<void> {
        if (!(await this.options.ledger.hasRequest(context.requestId))) return;
        throw new DispatchError('request_replayed', 'this request was sent before');
    }

    /**
     * A new cap for a request that runs, on the terms of its first one.
     * @throws DispatchError; when it returns, the raise is on disk
     */
    async raise(envelope: ParsedEnvelope, raise: CapRaise): Promise<void> {
        try {
            checkCapRaise(bindingOfEnvelope(envelope), raise);
        } catch (error) {
            throw new DispatchError('cap_invalid', 'the raised cap is not signed by its session key', { cause: error });
        }
        await this.recordRaise(envelope, raise, await this.accountFor(envelope));
    }

    private async recordRaise(envelope: ParsedEnvelope, raise: CapRaise, account: EscrowAccount): Promise<void> {
        await this.withFreshFunds(envelope, account, (funds) =>
            this.options.ledger.raiseCap({
                requestId: envelope.context.requestId,
                allowanceNano: raise.allowanceNano,
                capHash: capWindowHash(envelope.requestHash, raise.allowanceNano),
                capCumulativeNano: raise.cumulativeNano,
                capSignature: raise.capSignature,
                funds,
            }),
        );
    }

    /** That the session key beside the cap signed it. @throws DispatchError */
    checkSignature(envelope: ParsedEnvelope): void {
        if (this.signed.has(envelope)) return;
        try {
            checkCap(envelope);
        } catch (error) {
            throw new DispatchError('cap_invalid', 'the cap is not signed by its session key', { cause: error });
        }
        this.signed.add(envelope);
    }

    private checkContext({ context }: ParsedEnvelope): void {
        const nowMs = this.options.clock.nowMs();
        if (!context.network.equals(this.options.network)) {
            throw new DispatchError('envelope_invalid', 'the request is meant for another network');
        }
        if (context.deadlineMs <= nowMs) throw new DispatchError('deadline_passed', 'the deadline has passed');
        if (context.deadlineMs - nowMs > (this.options.maxDeadlineMs ?? defaultMaxDeadlineMs)) {
            throw new DispatchError('envelope_invalid', 'the deadline is too far away');
        }
    }

    /** The escrow as the chain has it; read afresh once when what we remember does not fit the request. */
    private async accountFor(envelope: Asking, statuses: readonly EscrowStatus[] = notClosed): Promise<EscrowAccount> {
        const remembered = await this.read(envelope.context.escrow);
        if (remembered !== null && this.problemOf(envelope, remembered, statuses) === undefined) return remembered;
        const fresh = await this.read(envelope.context.escrow, 0);
        if (fresh === null) throw new DispatchError('escrow_unknown', 'no escrow of this hub has that address');
        const problem = this.problemOf(envelope, fresh, statuses);
        if (problem !== undefined) throw problem;
        return fresh;
    }

    private async read(escrow: Buffer, maxAgeMs?: number): Promise<EscrowAccount | null> {
        try {
            return await this.options.book.get(escrow, maxAgeMs);
        } catch (error) {
            throw new DispatchError('chain_unavailable', 'the chain cannot be read at the moment', {
                retryAfterMs: 2_000,
                cause: error,
            });
        }
    }

    private problemOf(
        { context, sessionKey }: Asking,
        account: EscrowAccount,
        statuses: readonly EscrowStatus[],
    ): DispatchError | undefined {
        if (!statuses.includes(account.status))
            return new DispatchError('escrow_unknown', `the escrow is ${account.status}: open it again`);
        if (account.epoch !== context.epoch) {
            return new DispatchError(
                'escrow_unknown',
                `the escrow is in epoch ${account.epoch}, the request in ${context.epoch}`,
            );
        }
        const key = account.sessionKeys.find(({ publicKey }) => publicKey.equals(sessionKey));
        if (key === undefined || key.validUntilSec < nowSec(this.options.clock)) {
            return new DispatchError(
                'session_unknown',
                'the escrow does not honour this session key: set-session renews it',
            );
        }
        return undefined;
    }

    private async record(
        envelope: ParsedEnvelope,
        { account, onAccepted }: { account: EscrowAccount; onAccepted: () => void },
    ): Promise<void> {
        const { context, cap, sessionKey, requestHash, capSignature } = envelope;
        await this.withFreshFunds(envelope, account, (funds) =>
            this.options.ledger.recordCap(
                {
                    requestId: context.requestId,
                    escrow: context.escrow,
                    epoch: context.epoch,
                    nodeKey: context.nodeKey,
                    sessionKey,
                    requestHash,
                    offerHash: context.offerHash,
                    worstCaseNano: context.allowanceNano,
                    capCumulativeNano: cap.cumulativeNano,
                    capSignature,
                    funds,
                    atMs: this.options.clock.nowMs(),
                },
                onAccepted,
            ),
        );
    }

    /** The chain may know of a deposit that we have not read yet. */
    private async withFreshFunds(
        { context }: ParsedEnvelope,
        account: EscrowAccount,
        record: (funds: EscrowAccount) => Promise<unknown>,
    ): Promise<void> {
        try {
            await record(account).catch(async (error: unknown) => {
                const insufficient = error instanceof LedgerError && error.code === 'escrow_insufficient';
                const fresh = insufficient ? await this.read(context.escrow, 0) : null;
                if (fresh === null) throw error;
                await record(fresh);
            });
        } catch (error) {
            throw asDispatchError(error);
        }
    }
}

function once(act: () => void): () => void {
    let done = false;
    return () => {
        if (done) return;
        done = true;
        act();
    };
}

function asDispatchError(error: unknown): unknown {
    if (error instanceof ConfidentialError)
        return new DispatchError('envelope_invalid', error.message, { cause: error });
    if (!(error instanceof LedgerError)) return error;
    if (error.code === 'escrow_insufficient') {
        return new DispatchError(
            'escrow_insufficient',
            'the escrow does not cover this cap: top it up or ask for less',
            { cause: error },
        );
    }
    if (error.code === 'request_replayed')
        return new DispatchError('request_replayed', 'this request was sent before', { cause: error });
    if (error.code === 'cap_regression')
        return new DispatchError('cap_regression', 'the request was allowed more before', { cause: error });
    if (error.code === 'request_unknown' || error.code === 'request_state_invalid')
        return new DispatchError('request_unknown', 'no such request runs here', { cause: error });
    if (error.code === 'record_invalid') return new DispatchError('cap_invalid', error.message, { cause: error });
    return error;
}
