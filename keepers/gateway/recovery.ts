import { type Clock, errorMessage, type Logger } from '../base';
import { type AnswerBinding, verifyAnswerReceipt } from '../confidential';
import type { GatewayLedger, GatewayRequest } from '../ledger';
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
        await this.releaseWhenExpired(request);
    }

    /** A node that died for good signs no more; once its key's grace is over nobody can settle what it may have signed. */
    private async releaseWhenExpired(request: GatewayRequest): Promise<void> {
        const { requestId, reservedAtMs } = request;
        const { clock, ledger, unknownAfterMs, canStillSettle } = this.options;
        if (clock.nowMs() < reservedAtMs + unknownAfterMs + marginMs) return;
        if (ledger.request(requestId)?.state !== 'lost' || (await canStillSettle(request))) return;
        await ledger.fail(requestId, 'node_expired', clock.nowMs());
    }

    private async conclude(request: GatewayRequest, known: RequestState): Promise<void> {
        if (known.state === 'final' && known.receipt) return this.resolve(request, known.receipt);
        if (known.state === 'refused' || known.state === 'failed') {
            await this.options.ledger.fail(request.requestId, known.state, this.options.clock.nowMs());
        }
    }

    private async resolve(request: GatewayRequest, receipt: NonNullable<RequestState['receipt']>): Promise<void> {
        const { ledger, network, clock, logger } = this.options;
        const to: AnswerBinding = {
            network,
            escrow: request.escrow,
            epoch: request.epoch,
            nodeKey: request.nodeKey,
            sessionKey: request.sessionKey,
            requestHash: request.requestHash!,
            offerHash: request.offerHash!,
            // The ledger holds the sum against every reservation of the node, which is stricter than one cap.
            capCumulativeNano: (1n << 96n) - 1n,
        };
        const found = verifyAnswerReceipt(to, Buffer.from(receipt.payload, 'base64'));
        const { receipt: tail, nodeSignature, usageHash, transcriptHash } = found;
        await ledger.resolve(
            request.requestId,
            { receipt: tail, signature: nodeSignature, usageHash, transcriptHash, usage: null },
            clock.nowMs(),
        );
        logger.info(
            { request: request.requestId.toString('hex'), costNano: tail.costNano.toString() },
            'the receipt of a broken answer was found',
        );
    }

    private async forgetWhenOver(request: GatewayRequest): Promise<void> {
        const { clock, ledger, unknownAfterMs } = this.options;
        if (clock.nowMs() < request.reservedAtMs + unknownAfterMs + marginMs) return;
        await ledger.fail(request.requestId, 'never_arrived', clock.nowMs());
    }
}
