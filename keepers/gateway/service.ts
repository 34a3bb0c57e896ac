import { randomBytes } from 'node:crypto';
import type { Address } from '@ton/core';
import { type Clock, type Logger } from '../base';
import {
    AnswerOpener,
    binding,
    ConfidentialError,
    finishEnvelope,
    findModel,
    keptHeaders,
    type OfferModel,
    prepareRequest,
    type Signer,
    withLiveCap,
    worstCaseNano,
} from '../confidential';
import { CapBook, type EscrowAccount } from '../dispatch';
import { budgetLeftNano, type GatewayLedger, type IdempotencyMark, LedgerError, type Reservation } from '../ledger';
import type { GatewayMetrics, ObservedRequest } from '../telemetry';
import { capDigest } from '../../wrappers';
import { Answer, EngineFailure, type FinalEvent } from './answer';
import type { DispatcherClient, DispatcherRefusal } from './dispatcher-client';
import type { ApiKey } from './api-key-file';
import { budgetExhausted, refuseModel } from './key-limits';
import { CapRaiser, capWindowsOf } from './cap-raiser';
import { GatewayError, type GatewayErrorCode } from './errors';
import { DispatcherConduct } from './dispatcher-conduct';
import type { GatewayHubs, HubAccount } from './gateway-hubs';
import { escrowProblem, refuseUnaffordable } from './escrow-terms';
import { type ListedModel, listModels } from './listed-models';
import type { NodeDirectory } from './node-directory';
import { aboutEscrow, deadlinePassed, tooLate, mayHaveBegun, neverConnected, NotBegun, notServed } from './not-begun';
import { chooseFrom, noTrustedNode } from './choice';
import { NodePicker } from './node-picker';
import { RequestClosings } from './request-closings';
import { type RequestShape, shapeOf } from './request-shape';
import { ReplicaRelay } from './replica-relay';
import type { ReceiptPage } from './receipt-page';
import { describeReceipt } from './receipt-view';
import type { NodeEvidence, TrustedNode } from './trusted-node';

export interface GatewayOptions {
    network: Buffer;
    /** The client's escrows, one at each hub. */
    hubs: Pick<GatewayHubs, 'main' | 'accountAt' | 'all'>;
    session: Signer;
    ledger: GatewayLedger;
    directory: NodeDirectory;
    dispatchers: ReadonlyMap<string, DispatcherClient>;
    maxOutputPriceNano: bigint | undefined;
    requestTimeoutMs: number;
    metrics?: GatewayMetrics;
    clock: Clock;
    logger: Logger;
}

export interface Question {
    path: string;
    body: Buffer;
    accept: string;
    timeoutMs?: number;
    nodeId?: string;
    maxOutputPriceNano?: bigint;
    idempotency?: IdempotencyMark;
    signal: AbortSignal;
    /** Whose question it is, where the gateway has keys. */
    key?: ApiKey;
}

/** A question on its way: its deadline holds for all attempts together. */
type Attempt = Question & { deadlineMs: number; observed: ObservedRequest | undefined };

/** How much longer than the deadline a dispatcher may take to pass on what the node signed for. */
const deadlineGraceMs = 15_000;

/** A node that refuses or fails before its first frame is replaced at most this often. */
const maxRepicks = 2;

/** Refusals that are about a dispatcher as a whole. */
const dispatcherDown = new Set(['dispatcher_unavailable', 'draining']);
/** How long others are used instead. */
const downMs = 5_000;
const steeringMs = 600_000;

const aboutOneHub: ReadonlySet<GatewayErrorCode> = new Set(['escrow_insufficient', 'escrow_not_open']);

/** Turns OpenAI requests into sealed, paid requests to attested nodes, and their answers back. */
export class GatewayService {
    private readonly caps = new CapBook();
    private readonly picker = new NodePicker();
    private readonly conduct = new DispatcherConduct();

    private draining = false;
    private open = 0;

    private readonly closings: RequestClosings;

    constructor(private readonly options: GatewayOptions) {
        this.closings = new RequestClosings(options);
    }

    /** Writes down how requests ended for which the ledger had no room then. */
    retryClosings(): Promise<void> {
        return this.closings.retry();
    }

    /** @throws GatewayError; the answer's status is known when it returns */
    async ask(question: Question): Promise<Answer> {
        const observed = this.options.metrics?.requests.begin();
        const startedAtMs = performance.now();
        try {
            this.refuseWhenDraining();
            const answer = await this.find(question, observed);
            const firstFrameMs = performance.now() - startedAtMs;
            this.follow(answer, observed, firstFrameMs);
            return answer;
        } catch (error) {
            observed?.end(error instanceof GatewayError ? error.code : 'unexpected');
            throw error;
        }
    }

    private follow(answer: Answer, observed: ObservedRequest | undefined, firstFrameMs: number): void {
        this.open += 1;
        void answer.settled
            .then(
                () => observed?.end('answered', firstFrameMs),
                (error: unknown) =>
                    observed?.end(error instanceof GatewayError ? error.code : 'unexpected', firstFrameMs),
            )
            .finally(() => (this.open -= 1));
    }

    /** Answers that are being read. */
    get inFlight(): number {
        return this.open;
    }

    /** Whether new questions are refused; answers under way go on. */
    setDraining(draining: boolean): void {
        this.draining = draining;
    }

    private refuseWhenDraining(): void {
        if (!this.draining) return;
        throw new GatewayError('dispatcher_unavailable', 'this gateway is being stopped: try again soon', {
            retryAfterMs: 5_000,
        });
    }

    private async find(question: Question, observed: ObservedRequest | undefined): Promise<Answer> {
        const headers = keptHeaders({ 'content-type': 'application/json', accept: question.accept });
        const shape = shapeOf({ method: 'POST', path: question.path, headers, body: question.body });
        refuseModel(question.key, shape.model);
        const choice = chooseFrom(this.options.directory, shape, {
            nodeId: question.nodeId,
            maxOutputPriceNano: lowest(
                question.maxOutputPriceNano ?? this.options.maxOutputPriceNano,
                question.key?.maxPriceNano,
            ),
        });
        const { clock, requestTimeoutMs } = this.options;
        const deadlineMs = clock.nowMs() + Math.min(question.timeoutMs ?? requestTimeoutMs, requestTimeoutMs);
        const tried = new Set<string>();
        /** Hubs whose escrow can't pay for this. */
        const spent = new Set<string>();
        const unreachable = new Set<string>();
        const isOut = ({ id, hub, dispatcherUrl }: TrustedNode) =>
            tried.has(id) || spent.has(hub.toRawString()) || unreachable.has(dispatcherUrl);
        let last: NotBegun | GatewayError | undefined;
        while (tried.size <= maxRepicks) {
            const node = this.picker.pick(choice, isOut);
            if (node === undefined) break;
            tried.add(node.id);
            if (question.signal.aborted) throw new GatewayError('request_timeout', 'the caller went away');
            if (clock.nowMs() >= deadlineMs) throw deadlinePassed();
            try {
                const answer = await this.askNode(node, shape, { ...question, deadlineMs, observed });
                this.picker.served(choice, node);
                this.conduct.began(node);
                return answer;
            } catch (error) {
                last = error as NotBegun | GatewayError;
                if (error instanceof NotBegun) {
                    this.onNotBegun(node, error);
                    if (error.refusal.code === 'dispatcher_unavailable') unreachable.add(node.dispatcherUrl);
                } else if (this.mayPayElsewhere(error)) spent.add(node.hub.toRawString());
                else throw error;
            }
        }
        const { directory } = this.options;
        if (last instanceof GatewayError) throw last;
        throw last === undefined && directory.trusted.length === 0 ? noTrustedNode(directory) : notServed(last);
    }

    /** The escrow of one hub can't pay; that of another may. */
    private mayPayElsewhere(error: unknown): boolean {
        const isAboutEscrow = error instanceof GatewayError && aboutOneHub.has(error.code);
        return isAboutEscrow && this.options.hubs.all().length > 1;
    }

    private onNotBegun(node: TrustedNode, { refusal }: NotBegun): void {
        const { logger, directory } = this.options;
        const code = refusal.nodeCode ?? refusal.code;
        this.options.metrics?.notBegun(refusal.code);
        logger.warn({ node: node.id, code }, 'the node did not begin');
        const { dispatcherUrl: url } = node;
        if (dispatcherDown.has(refusal.code)) return directory.leaveDispatcher(url, refusal.message, downMs);
        directory.notBegun(node);
        if (this.conduct.refused(node))
            directory.leaveDispatcher(url, 'it refuses most of the nodes that it names', steeringMs);
    }

    private async askNode(node: TrustedNode, shape: RequestShape, question: Attempt): Promise<Answer> {
        const { index, terms } = findModel(node.offer, shape.model)!;
        const sealed = await this.seal(node, shape, question, terms);
        question.observed?.trace(sealed.requestId, node.id);
        const limit = this.limitOf(question);
        const way = this.wayTo(node, sealed, limit);
        const relayed = await this.relay(node, sealed, { way, question });
        const raiser = this.raiserOf(node.hub, sealed, { client: way, key: question.key });
        const answer = new Answer({
            requestId: sealed.requestId.toString('hex'),
            nodeId: node.id,
            streaming: shape.stream,
            opener: new AnswerOpener({ to: sealed.to, cek: sealed.cek, offer: node.offer, modelIndex: index }),
            frames: relayed,
            onWindow: (signedNano) => raiser?.ask(signedNano),
            onFinal: (event) => {
                raiser?.stop();
                return this.keepFinal(node, sealed.requestId, event);
            },
            onBroken: (error) => {
                raiser?.stop();
                return this.keepBroken(node, sealed.requestId, error);
            },
            logger: this.options.logger,
        });
        try {
            await answer.begin();
        } catch (error) {
            // An engine that is overloaded or down before it said a word is no different from a node that refused.
            if (error instanceof EngineFailure && error.status >= 500)
                throw new NotBegun({ code: error.engineCode, message: error.message });
            throw error;
        }
        return answer;
    }

    private raiserOf(
        hub: Address,
        { requestId, to, windows, stream }: Awaited<ReturnType<GatewayService['seal']>>,
        { client, key }: { client: Pick<DispatcherClient, 'raise'>; key: ApiKey | undefined },
    ): CapRaiser | undefined {
        if (windows === undefined) return undefined;
        const { session, ledger, clock, logger } = this.options;
        const account = (maxAgeMs?: number) => this.openAccount(hub, maxAgeMs);
        return new CapRaiser({ requestId, to, windows, stream, session, key, ledger, account, client, clock, logger });
    }

    /** Seals the request, reserves its worst case (or the first window of it) and signs the cap; all of it is on disk before a byte leaves. */
    private async seal(node: TrustedNode, shape: RequestShape, question: Attempt, terms: OfferModel) {
        const { session, clock } = this.options;
        const account = await this.openAccount(node.hub);
        const windows = capWindowsOf(terms, shape.work, shape.stream);
        if (windows === undefined) refuseUnaffordable(shape, terms, account);
        const requestId = randomBytes(16);
        const allowanceNano = windows?.firstNano ?? worstCaseNano(terms, shape.work);
        const prepared = await prepareRequest({
            context: {
                escrow: account.escrow,
                epoch: account.epoch,
                offerHash: node.offer.hash,
                requestId,
                deadlineMs: question.deadlineMs,
                windowed: windows !== undefined,
                allowanceNano,
            },
            inner: shape.inner,
            certificate: node.certificates[0]!,
        });
        const { requestHash, context } = prepared;
        const capNano = await this.reserve({
            node,
            requestId,
            shape,
            account,
            key: question.key,
            worstNano: allowanceNano,
            sent: (cumulativeNano) => ({
                requestHash,
                offerHash: node.offer.hash,
                signedOffer: node.offer.signed,
                capSignature: session.sign(capDigest({ ...context, cumulativeNano, requestHash })),
                idempotency: question.idempotency,
                atMs: clock.nowMs(),
            }),
        });
        const stream = this.caps.raise(context, capNano);
        const to = withLiveCap(
            binding(context, { requestHash, sessionKey: session.publicKey, capCumulativeNano: capNano }),
            () => stream.highestNano,
        );
        const envelope = finishEnvelope(prepared, session, capNano);
        return { requestId, envelope, cek: prepared.cek, to, windows, stream };
    }

    private accountOf(hub: Address): HubAccount {
        const account = this.options.hubs.accountAt(hub);
        if (account !== undefined) return account;
        throw new GatewayError(
            'escrow_not_open',
            `there is no escrow at hub ${hub}: open it with the open-escrow script`,
        );
    }

    private async openAccount(hub: Address, maxAgeMs?: number): Promise<EscrowAccount> {
        const { session } = this.options;
        const { book, escrow } = this.accountOf(hub);
        let account: EscrowAccount | null;
        try {
            account = await book.get(escrow, maxAgeMs);
        } catch (error) {
            throw new GatewayError('chain_unavailable', 'the chain cannot be read at the moment', {
                retryAfterMs: 2_000,
                cause: error,
            });
        }
        const current = account?.sessionKeys[0];
        const usable =
            account?.status === 'open' &&
            current?.publicKey.equals(session.publicKey) === true &&
            current.validUntilSec > this.options.clock.nowMs() / 1000;
        if (account !== null && usable) return account;
        if (maxAgeMs !== 0) return this.openAccount(hub, 0);
        throw new GatewayError('escrow_not_open', escrowProblem(account));
    }

    private async reserve(
        request: {
            node: TrustedNode;
            requestId: Buffer;
            shape: RequestShape;
            account: EscrowAccount;
            key: ApiKey | undefined;
            worstNano: bigint;
            sent: NonNullable<Reservation['sent']>;
        },
        mayRefresh = true,
    ): Promise<bigint> {
        const { node, requestId, shape, account, key, worstNano, sent } = request;
        try {
            const { capCumulativeNano } = await this.options.ledger.reserve({
                requestId,
                escrow: account.escrow,
                epoch: account.epoch,
                nodeKey: node.nodeKey,
                sessionKey: this.options.session.publicKey,
                model: shape.model,
                worstCaseNano: worstNano,
                funds: account,
                atMs: this.options.clock.nowMs(),
                key,
                sent,
            });
            return capCumulativeNano;
        } catch (error) {
            if (error instanceof LedgerError && error.code === 'budget_exhausted')
                throw budgetExhausted(error, key!, this.options.clock.nowMs());
            if (!(error instanceof LedgerError) || error.code !== 'escrow_insufficient') throw error;
            if (mayRefresh) return this.reserve({ ...request, account: await this.openAccount(node.hub, 0) }, false);
            const message = `this request may cost ${worstNano} nanoTON, more than the escrow has free: lower max_tokens or top the escrow up`;
            throw new GatewayError('escrow_insufficient', message, { param: 'max_tokens' });
        }
    }

    private limitOf({ signal, deadlineMs }: Attempt): AbortSignal {
        const leftMs = Math.max(deadlineMs - this.options.clock.nowMs(), 0);
        return AbortSignal.any([signal, AbortSignal.timeout(leftMs + deadlineGraceMs)]);
    }

    /** By way of the replica that the node was picked at, and of the others where that one fails. */
    private wayTo(
        node: TrustedNode,
        { requestId, envelope }: { requestId: Buffer; envelope: Buffer },
        signal: AbortSignal,
    ): ReplicaRelay {
        const { directory, dispatchers, clock } = this.options;
        return new ReplicaRelay({
            request: { requestId, envelope },
            replicas: () => directory.waysTo(node).map((url) => dispatchers.get(url)!),
            signal,
            onLeft: (url, reason) => directory.leaveDispatcher(url, reason, downMs),
            clock,
        });
    }

    private async relay(
        node: TrustedNode,
        sealed: { requestId: Buffer; cek: Buffer },
        { way, question }: { way: ReplicaRelay; question: Attempt },
    ) {
        const { clock } = this.options;
        const { signal, deadlineMs } = question;
        const { book, escrow } = this.accountOf(node.hub);
        const relayed = await way.relay().catch(async (error: unknown) => {
            sealed.cek.fill(0);
            // Whether the node began is unknown: the worst case stays reserved until a receipt or the recovery says otherwise.
            if (neverConnected(error)) await this.closings.fail(sealed.requestId, 'dispatcher_unreachable');
            else await this.closings.lose(sealed.requestId, 'dispatcher_unreachable');
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
        if (mayHaveBegun.has(refusal.code)) return this.closings.lose(requestId, refusal.code);
        await this.closings.fail(requestId, refusal.nodeCode ?? refusal.code);
    }

    private async keepFinal(node: TrustedNode, requestId: Buffer, event: FinalEvent): Promise<void> {
        const { ledger, clock, directory } = this.options;
        const { receipt, nodeSignature, usageHash, transcriptHash } = event.receipt;
        const usage = { ...event.usage, salt: event.salt, modelIndex: event.modelIndex };
        try {
            await ledger.resolve(
                requestId,
                { receipt, signature: nodeSignature, usageHash, transcriptHash, usage },
                clock.nowMs(),
            );
        } catch (error) {
            if (!(error instanceof LedgerError) || error.code !== 'receipt_inconsistent') throw error;
            directory.ban(node.id, error.message);
            throw new GatewayError('answer_invalid', `${error.message}; the node is not used again`, { cause: error });
        }
    }

    private async keepBroken(node: TrustedNode, requestId: Buffer, error: GatewayError): Promise<void> {
        const { directory } = this.options;
        if (error.cause instanceof ConfidentialError) {
            // Only the node's own seal and signature can say this; all else could be the dispatcher's work.
            if (error.cause.code === 'receipt_cost_wrong') directory.ban(node.id, error.cause.code);
            else if (error.cause.action === 'stop') directory.avoid(node.id, error.cause.code);
        }
        await this.closings.lose(requestId, error.code);
    }

    /** nanoTON left of the key's tightest budget. */
    budgetLeft(key: ApiKey): bigint | undefined {
        const { ledger, clock } = this.options;
        return budgetLeftNano(key, ledger.keySpend(key.name, clock.nowMs()));
    }

    models(): ListedModel[] {
        return listModels(this.options.directory.trusted);
    }

    /** Every node that was seen, and of each that gets no requests why. */
    nodes(): object[] {
        const { directory } = this.options;
        return [...directory.evidence.values()].map(({ nodeKey, trusted, refusal, verdict, gpu, checkedAt }) => ({
            nodeKey,
            trusted,
            refusal,
            unused: directory.whyUnused(nodeKey),
            status: verdict !== null && 'status' in verdict ? verdict.status : null,
            // Those whose evidence held.
            gpus: gpu?.verdict === 'accepted' ? gpu.gpus.length : 0,
            checkedAt,
        }));
    }

    evidence(id: string): NodeEvidence | undefined {
        return this.options.directory.evidence.get(id);
    }

    /** Newest first; `next` is where the next page begins. */
    receipts(page: ReceiptPage): { receipts: object[]; next: string | null } {
        const requests = this.options.ledger.list(page);
        return {
            receipts: requests.map((request) => describeReceipt(request, this.options.network)),
            next: requests.length < page.limit ? null : requests.at(-1)!.id.toString(),
        };
    }

    receipt(requestId: Buffer): object | undefined {
        const request = this.options.ledger.request(requestId);
        return request === null ? undefined : describeReceipt(request, this.options.network);
    }

    readiness(): { ready: boolean; trustedNodes: number; problem: string | null } {
        const { directory } = this.options;
        return {
            ready: directory.trusted.length > 0,
            trustedNodes: directory.trusted.length,
            problem: directory.problem || null,
        };
    }

    /** The escrow at the first hub, and under `hubs` that of each. */
    async status(): Promise<object> {
        const { hubs, ledger } = this.options;
        const accounts = await Promise.all(hubs.all().map((account) => describeAccount(account)));
        const main = hubs.main?.hub.toRawString();
        const totals = ledger.totals();
        return {
            ...(accounts.find(({ hub }) => hub === main) ?? accounts[0]),
            hubs: accounts,
            spentNano: totals.costNano.toString(),
            reservedNano: totals.openNano.toString(),
            requests: totals.requests,
            ...this.readiness(),
        };
    }
}

function lowest(one: bigint | undefined, other: bigint | undefined): bigint | undefined {
    if (one === undefined || other === undefined) return one ?? other;
    return one < other ? one : other;
}

async function describeAccount({ hub, escrow, book }: HubAccount) {
    const account = await book.get(escrow);
    return {
        hub: hub.toRawString(),
        escrow: `0:${escrow.toString('hex')}`,
        status: account?.status ?? 'unknown',
        epoch: account?.epoch ?? null,
        balanceNano: account?.balanceNano.toString() ?? null,
    };
}
