import { type Clock, errorMessage, type Logger } from '../base';
import { type AnswerBinding, verifyAnswerReceipt } from '../confidential';
import type { GatewayLedger, GatewayReceipt, GatewayRequest } from '../ledger';
import type { DispatcherClient, RequestState } from './dispatcher-client';

export interface RecoveryOptions {
    network: Buffer;
    ledger: GatewayLedger;
    dispatchers: () => readonly DispatcherClient[];
    clock: Clock;
    logger: Logger;
    intervalMs?: number;
    /** After this long a dispatcher that never heard of the request is believed: its deadline is over. */
    unknownAfterMs: number;
    /** Writes down how requests ended for which the ledger had no room then. */
    retryClosings?: () => Promise<void>;
    /** Whether the escrow's hub may still settle a receipt of the node. */
    canStillSettle: (request: Pick<GatewayRequest, 'escrow' | 'nodeKey'>) => Promise<boolean>;
}

const marginMs = 60_000;

type SignedPayload = NonNullable<RequestState['receipt']>;

/** Finds the receipts of requests whose stream broke, so that no reservation stays open for nothing. */
export class Recovery {
    private readonly stopping = new AbortController();
    private loop: Promise<void> | undefined;

    constructor(private readonly options: RecoveryOptions) {}

    start(): void {
        this.loop ??= this.run();
    }

    async stop(): Promise<void> {
        this.stopping.abort(new Error('stopping'));
        await this.loop;
    }

    async recoverAll(): Promise<void> {
        await this.options.retryClosings?.();
        for (const request of this.options.ledger.open().filter(({ state }) => state === 'lost')) {
            try {
                await this.recover(request);
            } catch (error) {
                this.options.logger.debug({ reason: errorMessage(error) }, 'a lost request could not be looked up');
            }
        }
    }

    private async run(): Promise<void> {
        const { clock, intervalMs = 3_000 } = this.options;
        while (!this.stopping.signal.aborted) {
            await this.recoverAll();
            await clock.sleep(intervalMs, this.stopping.signal).catch(() => undefined);
        }
    }

    private async recover(request: GatewayRequest): Promise<void> {
        const answers = await Promise.allSettled(
            this.options.dispatchers().map((dispatcher) => dispatcher.requestState(request.requestId)),
        );
        const known = answers.flatMap((answer) => (answer.status === 'fulfilled' ? [answer.value] : []));
        const found = known.find(({ state }) => state !== 'unknown');
        if (found !== undefined) await this.conclude(request, found);
        // The one that does not answer may be the one that has it.
        else if (known.length === answers.length) await this.forgetWhenOver(request);
        await this.giveUpWhenExpired(request);
    }

    /**
     * A node that died for good signs no more; once its key's grace is over nobody can collect what it may have signed beyond
     * its last checkpoint.
     */
    private async giveUpWhenExpired(request: GatewayRequest): Promise<void> {
        const { requestId } = request;
        const { clock, ledger, canStillSettle } = this.options;
        if (!this.isOver(request)) return;
        if (ledger.request(requestId)?.state !== 'lost' || (await canStillSettle(request))) return;
        await ledger.giveUp(requestId, 'node_expired', clock.nowMs());
    }

    private async conclude(request: GatewayRequest, known: RequestState): Promise<void> {
        if (known.state === 'final' && known.receipt) return this.resolve(request, known.receipt);
        if (known.checkpoint) await this.noteCheckpoint(request, known.checkpoint);
        // Of what the node signed for no dispatcher can say that nothing is owed.
        const signedFor = this.options.ledger.request(request.requestId)?.checkpoint !== null;
        if (!signedFor && (known.state === 'refused' || known.state === 'failed'))
            await this.options.ledger.fail(request.requestId, known.state, this.options.clock.nowMs());
    }

    /** One that does not hold is the dispatcher's doing, and must not keep the request open for ever. */
    private async noteCheckpoint(request: GatewayRequest, given: SignedPayload): Promise<void> {
        const { ledger, logger } = this.options;
        try {
            const checkpoint = this.verify(request, given);
            if (request.checkpoint?.signature.equals(checkpoint.signature)) return;
            await ledger.noteCheckpoint(request.requestId, checkpoint);
        } catch (error) {
            const facts = { request: request.requestId.toString('hex'), reason: errorMessage(error) };
            logger.warn(facts, 'a checkpoint of a broken answer is not what it should be');
        }
    }

    private async resolve(request: GatewayRequest, given: SignedPayload): Promise<void> {
        const { ledger, clock, logger } = this.options;
        const found = this.verify(request, given);
        await ledger.resolve(request.requestId, { ...found, usage: null }, clock.nowMs());
        logger.info(
            { request: request.requestId.toString('hex'), costNano: found.receipt.costNano.toString() },
            'the receipt of a broken answer was found',
        );
    }

    private verify(request: GatewayRequest, { payload }: SignedPayload): Omit<GatewayReceipt, 'usage'> {
        const to: AnswerBinding = {
            network: this.options.network,
            escrow: request.escrow,
            epoch: request.epoch,
            nodeKey: request.nodeKey,
            sessionKey: request.sessionKey,
            requestHash: request.requestHash!,
            offerHash: request.offerHash!,
            // The ledger holds the sum against every reservation of the node, which is stricter than one cap.
            capCumulativeNano: (1n << 96n) - 1n,
        };
        const { receipt, nodeSignature, ...hashes } = verifyAnswerReceipt(to, Buffer.from(payload, 'base64'));
        return { receipt, signature: nodeSignature, ...hashes };
    }

    private async forgetWhenOver(request: GatewayRequest): Promise<void> {
        const { clock, ledger } = this.options;
        if (!this.isOver(request) || request.checkpoint !== null) return;
        await ledger.fail(request.requestId, 'never_arrived', clock.nowMs());
    }

    private isOver({ reservedAtMs }: GatewayRequest): boolean {
        return this.options.clock.nowMs() >= reservedAtMs + this.options.unknownAfterMs + marginMs;
    }
}
