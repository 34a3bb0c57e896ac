import type { Clock } from '../base';
import {
    bindingOfEnvelope,
    type CapRaise,
    capWindowHash,
    checkCap,
    checkCapRaise,
    checkContext,
    ConfidentialError,
    findModel,
    firstWindowNano,
    type KemKeyring,
    type Offer,
    type OfferModel,
    type OpenedRequest,
    type ParsedEnvelope,
    requestedWork,
    windowGrowthNano,
    worstCaseNano,
    worstCaseTokens,
} from '../confidential';
import type { EscrowAccount, EscrowBook } from '../dispatch';
import type { SignedCap } from '../ledger';
import { NodeRefusal, type RefusalCode } from './errors';
import { EscrowCheck } from './escrow-check';
import { EscrowMeter, type MeteredRequest } from './meter';

export interface RequestGateOptions {
    network: Buffer;
    nodeKey: Buffer;
    keyring: KemKeyring;
    /** The escrows of a hub, by its account id; undefined for one that this node does not serve. */
    bookOf: (hub: Buffer) => EscrowBook | undefined;
    /** Offers that the node still stands by, newest first. */
    offers: () => readonly Offer[];
    creditLineNano: bigint;
    clock: Clock;
}

/** A request that is paid for: what to run, under which terms, on whose account. */
export interface AdmittedRequest extends OpenedRequest {
    envelope: ParsedEnvelope;
    offer: Offer;
    terms: OfferModel;
    modelIndex: number;
    /** The most tokens that it may use. */
    mostTokens: ReturnType<typeof worstCaseTokens>;
    /** Where its escrow is read. */
    book: EscrowBook;
    meter: EscrowMeter;
    metered: MeteredRequest;
    /** One window of the cap, which the next raise should add. */
    windowNano: bigint;
}

/** Everything that a node checks before it works; a refusal owes nothing. */
export class RequestGate {
    /** By escrow in hex; only its newest epoch takes work. */
    private readonly meters = new Map<string, { epoch: number; meter: EscrowMeter }>();
    private readonly escrows: EscrowCheck;

    constructor(private readonly options: RequestGateOptions) {
        this.escrows = new EscrowCheck(options);
    }

    /**
     * @param hub account id of the hub whose dispatcher brings it
     * @throws NodeRefusal
     */
    async admit(envelope: ParsedEnvelope, hub: Buffer): Promise<AdmittedRequest> {
        const { network, nodeKey, clock } = this.options;
        const offer = this.options.offers().find((known) => known.hash.equals(envelope.context.offerHash));
        try {
            checkContext(envelope.context, {
                network,
                nodeKey,
                knowsOffer: () => offer !== undefined,
                nowMs: clock.nowMs(),
            });
            checkCap(envelope);
        } catch (error) {
            throw asRefusal(error);
        }
        const book = this.bookOf(hub);
        const account = await this.escrows.account(envelope, book);
        const opened = await this.open(envelope);
        return this.escrows.withFreshFunds({ envelope, book, account }, (funds) =>
            this.meterRequest({ envelope, opened, offer: offer!, account: funds, book }),
        );
    }

    /**
     * A new cap for a request that runs: its session signed it, and the whole account is still within bounds.
     * @throws NodeRefusal
     */
    async raise(request: AdmittedRequest, raise: CapRaise): Promise<void> {
        const { envelope, meter, metered } = request;
        try {
            checkCapRaise(bindingOfEnvelope(envelope), raise);
        } catch (error) {
            throw asRefusal(error);
        }
        const { book } = request;
        const account = await this.escrows.read(book, envelope.context.escrow);
        if (account?.status !== 'open')
            throw new NodeRefusal('escrow_unknown', 'the escrow is being closed: no more is lent to it');
        const { allowanceNano, cumulativeNano, capSignature } = raise;
        const cap = {
            sessionKey: metered.sessionKey,
            requestHash: capWindowHash(envelope.requestHash, allowanceNano),
            capCumulativeNano: cumulativeNano,
            capSignature,
        };
        await this.escrows.withFreshFunds({ envelope, book, account }, (funds) =>
            meter.raise(metered, { cap, allowanceNano, chain: this.escrows.chainOf(funds) }),
        );
    }

    private bookOf(hub: Buffer): EscrowBook {
        const book = this.options.bookOf(hub);
        if (book !== undefined) return book;
        throw new NodeRefusal('context_unknown', 'the node does not serve this hub');
    }

    private async open(envelope: ParsedEnvelope): Promise<OpenedRequest> {
        try {
            return await this.options.keyring.open(envelope);
        } catch (error) {
            throw asRefusal(error);
        }
    }

    private meterRequest(request: {
        envelope: ParsedEnvelope;
        opened: OpenedRequest;
        offer: Offer;
        account: EscrowAccount;
        book: EscrowBook;
    }): AdmittedRequest {
        const { envelope, opened, offer, account, book } = request;
        const work = this.workOf(opened);
        const model = findModel(offer, work.model);
        if (model === undefined) throw new NodeRefusal('model_unknown', 'the node does not offer that model');
        if (!model.terms.capabilities.includes(work.capability)) {
            throw new NodeRefusal('model_unknown', `the node does not offer ${work.capability} for that model`);
        }
        const worstNano = worstCaseNano(model.terms, work);
        const allowanceNano = envelope.context.windowed ? firstWindowNano(model.terms, work) : worstNano;
        requireStated(envelope, allowanceNano);
        const meter = this.meterOf(envelope);
        const metered = meter.admit({
            cap: capOf(envelope),
            worstCaseNano: worstNano,
            allowanceNano,
            chain: this.escrows.chainOf(account),
        });
        const windowNano = windowGrowthNano(model.terms, work);
        const { terms, index: modelIndex } = model;
        const mostTokens = worstCaseTokens(terms.contextLength, work);
        return { ...opened, envelope, offer, terms, modelIndex, mostTokens, book, meter, metered, windowNano };
    }

    private workOf(opened: OpenedRequest) {
        try {
            return requestedWork(opened.inner);
        } catch (error) {
            throw asRefusal(error);
        }
    }

    /**
     * One node key lives for one boot, so its meters need not outlive the process. A chain endpoint that lags may show
     * an epoch that is over: its meter is gone, and a second one would sign the same sums again.
     */
    private meterOf({ context }: ParsedEnvelope): EscrowMeter {
        const id = context.escrow.toString('hex');
        const known = this.meters.get(id);
        if (known?.epoch === context.epoch) return known.meter;
        if (known !== undefined && known.epoch > context.epoch)
            throw new NodeRefusal('escrow_unknown', 'the escrow is in another epoch');
        const meter = new EscrowMeter(this.options.creditLineNano);
        this.meters.set(id, { epoch: context.epoch, meter });
        return meter;
    }
}

/** A dispatcher sets aside what the context states, so work beyond it might find the escrow empty. @throws NodeRefusal */
function requireStated({ context }: ParsedEnvelope, neededNano: bigint): void {
    if (context.allowanceNano >= neededNano) return;
    const message = `the request sets ${context.allowanceNano} nanoTON aside where it may cost ${neededNano}`;
    throw new NodeRefusal('cap_too_low', message);
}

/** Copies, so that a meter does not hold on to a large envelope. */
function capOf({ sessionKey, requestHash, cap, capSignature }: ParsedEnvelope): SignedCap {
    return {
        sessionKey: Buffer.from(sessionKey),
        requestHash: Buffer.from(requestHash),
        capCumulativeNano: cap.cumulativeNano,
        capSignature: Buffer.from(capSignature),
    };
}

const refusalOf: Partial<Record<string, RefusalCode>> = {
    envelope_invalid: 'envelope_invalid',
    cap_invalid: 'cap_invalid',
    context_not_ours: 'context_unknown',
    offer_unknown: 'offer_unknown',
    kem_epoch_unknown: 'kem_epoch_unknown',
    deadline_passed: 'deadline_passed',
    request_replayed: 'request_replayed',
    request_undecryptable: 'envelope_invalid',
    request_invalid: 'request_invalid',
    replay_memory_full: 'node_busy',
};

/** The dispatcher sees refusals in clear: codes and our own words only, nothing of the request. */
function asRefusal(error: unknown): unknown {
    const code = error instanceof ConfidentialError ? refusalOf[error.code] : undefined;
    if (code === undefined) return error;
    const message =
        code === 'request_invalid' ? 'the request inside is not one that can be priced' : (error as Error).message;
    return new NodeRefusal(code, message);
}
