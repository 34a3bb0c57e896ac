import type { Address } from '@ton/core';
import { type Clock, type Logger, timeLimit, type TimeLimit } from '../base';
import { AnswerOpener, type AnswerReceipt, ConfidentialError, findModel, type Signer } from '../confidential';
import { type GatewayLedger, LedgerError } from '../ledger';
import { Answer, EngineFailure, type FinalEvent } from './answer';
import type { ApiKey } from './api-key-file';
import { CapRaiser } from './cap-raiser';
import type { DispatcherClient, DispatcherRefusal } from './dispatcher-client';
import { GatewayError } from './errors';
import type { EscrowAccounts } from './escrow-accounts';
import type { NodeDirectory } from './node-directory';
import { LinkLost } from './linked-answer';
import { aboutEscrow, mayHaveBegun, neverConnected, NotBegun, tooLate } from './not-begun';
import type { Attempt } from './question';
import { ReplicaRelay } from './replica-relay';
import type { RequestClosings } from './request-closings';
import type { RequestSealer, SealedRequest } from './request-sealer';
import type { RequestShape } from './request-shape';
import type { TrustedNode } from './trusted-node';

export interface NodeExchangeOptions {
    sealer: RequestSealer;
    accounts: EscrowAccounts;
    closings: RequestClosings;
    session: Signer;
    ledger: GatewayLedger;
    directory: Pick<NodeDirectory, 'waysTo' | 'leaveDispatcher' | 'ban' | 'avoid'>;
    dispatchers: ReadonlyMap<string, DispatcherClient>;
    clock: Clock;
    logger: Logger;
}

/** How much longer than the deadline a dispatcher may take to pass on what the node signed for. */
const deadlineGraceMs = 15_000;
/** How long others are used in place of a replica that failed. */
const replicaLeftMs = 5_000;

/** One request to one node: sent sealed, its answer opened, and its end written down whatever that is. */
export class NodeExchange {
    constructor(private readonly options: NodeExchangeOptions) {}

    /** @throws NotBegun where another node may be asked, GatewayError where none may */
    async ask(node: TrustedNode, shape: RequestShape, question: Attempt): Promise<Answer> {
        const { index, terms } = findModel(node.offer, shape.model)!;
        const sealed = await this.options.sealer.seal(node, shape, question, terms);
        question.observed?.trace(sealed.requestId, node.id);
        const limit = this.limitOf(question);
        const way = this.wayTo(node, sealed, limit.signal);
        const relayed = await this.relay(node, sealed, { way, question }).catch((error: unknown) => {
            limit.end();
            throw error;
        });
        const raiser = this.raiserOf(node.hub, sealed, { client: way, key: question.key });
        const opener = new AnswerOpener({ to: sealed.to, cek: sealed.cek, offer: node.offer, modelIndex: index });
        const answer = new Answer({
            requestId: sealed.requestId.toString('hex'),
            nodeId: node.id,
            streaming: shape.stream,
            opener,
            frames: relayed,
            onWindow: (signedNano) => raiser?.ask(signedNano),
            onFinal: (event) => {
                raiser?.stop();
                return this.keepFinal(node, sealed.requestId, event);
            },
            onBroken: (error, lastReceipt) => {
                raiser?.stop();
                return this.keepBroken(node, sealed.requestId, { error, lastReceipt });
            },
            onOver: () => limit.end(),
            logger: this.options.logger,
        });
        try {
            await answer.begin();
        } catch (error) {
            const unheard = limit.signal.aborted ? undefined : unheardOf(error);
            if (unheard === undefined) throw error;
            this.refuseBill(node, opener.receipt);
            throw unheard;
        }
        return answer;
    }

    /**
     * A node that bills before its engine's first word is not honest, and where others were asked on, several could bill
     * one question. @throws GatewayError
     */
    private refuseBill(node: TrustedNode, billed: AnswerReceipt | undefined): void {
        if (billed === undefined || billed.receipt.costNano === 0n) return;
        const reason = 'the node billed an answer that it did not begin';
        this.options.directory.avoid(node.id, reason);
        throw new GatewayError('answer_invalid', reason);
    }

    private raiserOf(
        hub: Address,
        { requestId, to, windows, stream }: SealedRequest,
        { client, key }: { client: Pick<DispatcherClient, 'raise'>; key: ApiKey | undefined },
    ): CapRaiser | undefined {
        if (windows === undefined) return undefined;
        const { accounts, session, ledger, clock, logger } = this.options;
        const account = (maxAgeMs?: number) => accounts.open(hub, maxAgeMs);
        return new CapRaiser({ requestId, to, windows, stream, session, key, ledger, account, client, clock, logger });
    }

    private limitOf({ signal, deadlineMs }: Attempt): TimeLimit {
        const leftMs = Math.max(deadlineMs - this.options.clock.nowMs(), 0);
        return timeLimit(signal, leftMs + deadlineGraceMs);
    }

    /** By way of the replica that the node was picked at, and of the others where that one fails. */
    private wayTo(node: TrustedNode, { requestId, envelope }: SealedRequest, signal: AbortSignal): ReplicaRelay {
        const { directory, dispatchers, clock } = this.options;
        return new ReplicaRelay({
            request: { requestId, envelope },
            replicas: () => directory.waysTo(node).map((url) => dispatchers.get(url)!),
            signal,
            onLeft: (url, reason) => directory.leaveDispatcher(url, reason, replicaLeftMs),
            clock,
        });
    }

    private async relay(
        node: TrustedNode,
        sealed: SealedRequest,
        { way, question }: { way: ReplicaRelay; question: Attempt },
    ) {
        const { accounts, closings, clock } = this.options;
        const { signal, deadlineMs } = question;
        const { book, escrow } = accounts.at(node.hub);
        const relayed = await way.relay().catch(async (error: unknown) => {
            sealed.cek.fill(0);
            // Whether the node began is unknown: the worst case stays reserved until a receipt or the recovery says otherwise.
            if (neverConnected(error)) await closings.fail(sealed.requestId, 'dispatcher_unreachable');
            else await closings.lose(sealed.requestId, 'dispatcher_unreachable');
            if (signal.aborted) throw new GatewayError('request_timeout', 'the caller went away', { cause: error });
            throw new NotBegun({ code: 'dispatcher_unavailable', message: 'the dispatcher cannot be reached' });
        });
        if (relayed.ok) return relayed.frames;
        sealed.cek.fill(0);
        await this.closeRefused(sealed.requestId, relayed.refusal);
        // They read the chain later than we did: the next node is only asked if the escrow still stands.
        if (aboutEscrow.has(relayed.refusal.nodeCode ?? relayed.refusal.code)) book.forget(escrow);
        if (relayed.refusal.code === 'deadline_passed') throw tooLate(deadlineMs - clock.nowMs());
        throw new NotBegun(relayed.refusal);
    }

    /** Where a node may have begun to work the reservation stays; anything else owes nothing. */
    private async closeRefused(requestId: Buffer, refusal: DispatcherRefusal): Promise<void> {
        const { closings } = this.options;
        if (mayHaveBegun.has(refusal.code)) return closings.lose(requestId, refusal.code);
        await closings.fail(requestId, refusal.nodeCode ?? refusal.code);
    }

    private async keepFinal(node: TrustedNode, requestId: Buffer, event: FinalEvent): Promise<void> {
        const { closings, directory } = this.options;
        const { receipt, nodeSignature, usageHash, transcriptHash } = event.receipt;
        const usage = { ...event.usage, salt: event.salt, modelIndex: event.modelIndex };
        const final = { receipt, signature: nodeSignature, usageHash, transcriptHash, usage };
        try {
            await closings.resolve(requestId, final);
        } catch (error) {
            if (!(error instanceof LedgerError) || error.code !== 'receipt_inconsistent') throw error;
            if (error.context.reason === 'cumulative_counts_refused') {
                // Node or dispatcher lies, and which one can't be told: the caps signed bound what either gains.
                directory.avoid(node.id, error.message);
                throw new GatewayError('answer_invalid', error.message, { cause: error });
            }
            directory.ban(node.id, error.message);
            throw new GatewayError('answer_invalid', `${error.message}; the node is not used again`, { cause: error });
        }
    }

    private async keepBroken(
        node: TrustedNode,
        requestId: Buffer,
        { error, lastReceipt }: { error: GatewayError; lastReceipt: AnswerReceipt | undefined },
    ): Promise<void> {
        const { directory, closings } = this.options;
        if (error.cause instanceof ConfidentialError) {
            // Only the node's own seal and signature can say this; all else could be the dispatcher's work.
            if (error.cause.code === 'receipt_cost_wrong') directory.ban(node.id, error.cause.code);
            else if (error.cause.action === 'stop') directory.avoid(node.id, error.cause.code);
        }
        await closings.lose(requestId, error.code, lastReceipt);
    }
}

/** A failure before the engine's status, of which the caller need not hear: another node may be asked. */
function unheardOf(error: unknown): NotBegun | undefined {
    // An engine that is overloaded or down before it said a word is no different from a node that refused.
    if (error instanceof EngineFailure)
        return error.status >= 500 ? new NotBegun({ code: error.engineCode, message: error.message }) : undefined;
    if (!(error instanceof GatewayError) || error.code !== 'answer_truncated') return undefined;
    const code = error.cause instanceof LinkLost ? 'dispatcher_unavailable' : 'node_lost';
    return new NotBegun({ code, message: 'the answer broke off before it began' });
}
