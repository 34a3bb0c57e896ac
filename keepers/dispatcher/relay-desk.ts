import type { Clock, Logger } from '../base';
import { bindingOfEnvelope } from '../confidential';
import {
    type Admission,
    type AnswerOutput,
    type CapBook,
    type ConnectedNode,
    DispatchError,
    RequestRelay,
} from '../dispatch';
import type { DispatchLedger } from '../ledger';
import type { DispatcherMetrics, ObservedRequest } from '../telemetry';
import type { CapRaises } from './cap-raises';
import type { NodeRoster } from './node-roster';
import { gatewayGone, patienceOf } from './patience';
import type { ReceivedRequest } from './received-request';
import { takeOver } from './take-over';

export interface RelayDeskOptions {
    nodes: Pick<NodeRoster, 'get'>;
    admission: Admission;
    raises: CapRaises;
    caps: CapBook;
    ledger: DispatchLedger;
    /** New requests are refused. */
    isDraining: () => boolean;
    metrics?: Pick<DispatcherMetrics, 'requests'>;
    clock: Clock;
    logger: Logger;
}

interface IncomingRequest extends ReceivedRequest {
    output: AnswerOutput;
    cancelled: AbortSignal;
    observed: ObservedRequest | undefined;
}

const unlimitedNano = (1n << 96n) - 1n;

/** Takes requests to their ends: admitted, queued for their node, recorded, relayed. */
export class RelayDesk {
    private readonly running = new Set<RequestRelay>();

    constructor(private readonly options: RelayDeskOptions) {}

    get inFlight(): number {
        return this.running.size;
    }

    /** When those that run now have ended. */
    async idle(): Promise<void> {
        await Promise.all([...this.running].map((relay) => relay.done));
    }

    /** @throws DispatchError before anything was written to `output` */
    async relay(received: ReceivedRequest, output: AnswerOutput, cancelled: AbortSignal): Promise<void> {
        const observed = this.options.metrics?.requests.begin();
        const { requestId, nodeKey } = received.envelope.context;
        observed?.trace(requestId, nodeKey.toString('hex'));
        try {
            await this.relayObserved({ ...received, output, cancelled, observed });
        } catch (error) {
            observed?.end(error instanceof DispatchError ? error.code : 'unexpected');
            throw error;
        }
    }

    private async relayObserved(request: IncomingRequest): Promise<void> {
        const { nodes, admission, clock } = this.options;
        const { envelope, cancelled } = request;
        this.refuseWhenDraining();
        const { nodeKey, escrow, deadlineMs } = envelope.context;
        const node = nodes.get(nodeKey.toString('hex'));
        if (node === undefined) throw new DispatchError('node_unknown', 'that node is not connected here');
        const isTaken = await this.takeOver(request);
        // Before it waits: otherwise made-up escrows, each of which comes first, would fill the node's queue.
        if (!isTaken) await admission.check(envelope);
        if (!isTaken && !node.queue.free) await admission.refuseReplay(envelope);
        if (cancelled.aborted) throw gatewayGone();
        const patience = node.queue.free ? undefined : patienceOf(cancelled, deadlineMs - clock.nowMs());
        try {
            const work = () => this.relayTo(node, request, isTaken);
            await node.queue.run(escrow.toString('hex'), work, patience?.signal);
        } finally {
            patience?.end();
        }
    }

    private refuseWhenDraining(): void {
        if (!this.options.isDraining()) return;
        throw new DispatchError('draining', 'this dispatcher is stopping: use another', { retryAfterMs: 1_000 });
    }

    /** @returns whether another replica has recorded the request, which is this one's from now on */
    private async takeOver({ envelope, resumeFrom }: IncomingRequest): Promise<boolean> {
        if (resumeFrom === undefined) return false;
        const { ledger, clock, admission } = this.options;
        const taken = await takeOver(envelope, { ledger, nowMs: clock.nowMs(), admission });
        if (taken || resumeFrom === 0) return taken;
        throw new DispatchError('request_unknown', 'no replica has passed this request on');
    }

    private async relayTo(node: ConnectedNode, request: IncomingRequest, isTaken: boolean): Promise<void> {
        this.refuseWhenDraining();
        if (!node.link.open) throw new DispatchError('node_unknown', 'that node has gone');
        const relay = isTaken
            ? this.begin(node, request, () => Promise.resolve())
            : await this.admitAndBegin(node, request);
        await relay.done;
        this.options.raises.end(request.envelope);
        this.running.delete(relay);
    }

    private async admitAndBegin(node: ConnectedNode, request: IncomingRequest): Promise<RequestRelay> {
        const begun: { relay?: RequestRelay } = {};
        const recorded = this.options.admission.admit(request.envelope, () => {
            begun.relay = this.begin(node, request, () => recorded);
        });
        try {
            await recorded;
        } catch (error) {
            if (begun.relay !== undefined) return begun.relay;
            // The replica that died had it on its way to the ledger, which has it by now.
            const isKnown = error instanceof DispatchError && error.code === 'request_replayed';
            if (!isKnown || !(await this.takeOver(request))) throw error;
            return this.begin(node, request, () => Promise.resolve());
        }
        return begun.relay!;
    }

    private begin(node: ConnectedNode, request: IncomingRequest, recorded: () => Promise<void>): RequestRelay {
        const { envelope, cancelled } = request;
        const { ledger, caps, raises, clock, logger } = this.options;
        const stream = caps.raise(envelope.context, envelope.cap.cumulativeNano);
        const relay = new RequestRelay({
            ...request,
            link: node.link,
            // Another replica may have recorded a higher cap of the stream: that is looked up when a receipt needs it.
            binding: { ...bindingOfEnvelope(envelope), capCumulativeNano: unlimitedNano },
            capCovers: async (nano) =>
                nano <= stream.highestNano ||
                nano <= caps.raise(envelope.context, await ledger.highestCapNano(envelope.context)).highestNano,
            ledger,
            load: node.load,
            recorded,
            clock,
            logger,
        });
        const onCancel = () => relay.cancel(gatewayGone());
        this.running.add(relay);
        cancelled.addEventListener('abort', onCancel, { once: true });
        void relay.done.then(() => cancelled.removeEventListener('abort', onCancel));
        relay.start();
        raises.begin(envelope, node.link);
        if (cancelled.aborted) onCancel();
        return relay;
    }
}
