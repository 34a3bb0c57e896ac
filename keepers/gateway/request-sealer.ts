import type { Clock } from '../base';
import {
    type AnswerBinding,
    binding,
    finishEnvelope,
    newRequestId,
    type OfferModel,
    prepareRequest,
    type Signer,
    signRequestCap,
    withLiveCap,
    worstCaseNano,
} from '../confidential';
import { CapBook, type EscrowAccount, type StreamCap } from '../dispatch';
import { type GatewayLedger, LedgerError, type Reservation } from '../ledger';
import type { ApiKey } from './api-key-file';
import { type CapWindows, capWindowsOf } from './cap-raiser';
import { GatewayError } from './errors';
import type { EscrowAccounts } from './escrow-accounts';
import { refuseUnaffordable } from './escrow-terms';
import { budgetExhausted } from './key-limits';
import { isLedgerDown, notRecorded } from './ledger-failure';
import type { Attempt } from './question';
import type { RequestShape } from './request-shape';
import type { TrustedNode } from './trusted-node';

export interface RequestSealerOptions {
    accounts: EscrowAccounts;
    session: Signer;
    ledger: GatewayLedger;
    clock: Clock;
}

export interface SealedRequest {
    requestId: Buffer;
    envelope: Buffer;
    /** The content key: whoever is done with it overwrites it. */
    cek: Buffer;
    to: AnswerBinding;
    windows: CapWindows | undefined;
    stream: StreamCap;
}

/** Makes of a question what may leave: sealed to one node, paid for, written down. */
export class RequestSealer {
    private readonly caps = new CapBook();

    constructor(private readonly options: RequestSealerOptions) {}

    /** Seals the request, reserves its worst case (or the first window of it) and signs the cap; all of it is on disk before a byte leaves. */
    async seal(node: TrustedNode, shape: RequestShape, question: Attempt, terms: OfferModel): Promise<SealedRequest> {
        const { session, clock } = this.options;
        const account = await this.options.accounts.open(node.hub);
        const windows = capWindowsOf(terms, shape.work, shape.stream);
        if (windows === undefined) refuseUnaffordable(shape, terms, account);
        const requestId = newRequestId(clock.nowMs());
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
        let signed: ReturnType<typeof signRequestCap> | undefined;
        const capNano = await this.reserve({
            node,
            requestId,
            shape,
            account,
            key: question.key,
            worstNano: allowanceNano,
            sent: (cumulativeNano) => {
                signed = signRequestCap(prepared, session, cumulativeNano);
                return {
                    requestHash,
                    offerHash: node.offer.hash,
                    signedOffer: node.offer.signed,
                    capSignature: signed.signature,
                    idempotency: question.idempotency,
                    atMs: clock.nowMs(),
                };
            },
        });
        const stream = this.caps.raise(context, capNano);
        const to = withLiveCap(
            binding(context, { requestHash, sessionKey: session.publicKey, capCumulativeNano: capNano }),
            () => stream.highestNano,
        );
        const envelope = finishEnvelope(prepared, signed!);
        return { requestId, envelope, cek: prepared.cek, to, windows, stream };
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
            if (isLedgerDown(error)) throw notRecorded(error);
            if (!(error instanceof LedgerError) || error.code !== 'escrow_insufficient') throw error;
            if (mayRefresh)
                return this.reserve({ ...request, account: await this.options.accounts.open(node.hub, 0) }, false);
            const message = `this request may cost ${worstNano} nanoTON, more than the escrow has free: lower max_tokens or top the escrow up`;
            throw new GatewayError('escrow_insufficient', message, { param: 'max_tokens' });
        }
    }
}
