import { randomBytes } from 'node:crypto';
import type { WebSocket } from 'ws';
import type { Clock, Logger } from '../base';
import { bindingOfEnvelope } from '../confidential';
import { CapRaises } from './cap-raises';
import {
    Admission,
    type AnswerOutput,
    CapBook,
    checkBundle,
    checkHello,
    closeSocket,
    ConnectedNode,
    decodeJson,
    DispatchError,
    encodeJsonMessage,
    type EscrowBook,
    type GreetedNode,
    type Hello,
    helloSchema,
    linkOperation,
    maxHelloBytes,
    NodeLink,
    readTerms,
    RequestRelay,
    type Update,
} from '../dispatch';
import type { DispatchLedger, StoredReceipt } from '../ledger';
import type { DispatcherMetrics, ObservedRequest } from '../telemetry';
import { encodeReceiptTail } from '../../wrappers';
import { NodeRoster } from './node-roster';
import { OrphanedReceipts } from './orphaned-receipts';
import type { ReceivedRequest } from './received-request';
import { takeOver } from './take-over';

export interface DispatcherOptions {
    network: Buffer;
    hub: Buffer;
    ledger: DispatchLedger;
    book: EscrowBook;
    /** Whether the hub on chain settles receipts of this key. */
    isAdmitted: (nodeKey: Buffer) => Promise<boolean>;
    queueLimitPerNode: number;
    /** Where the other processes are that serve this hub from the same ledger. */
    replicaUrls?: () => readonly string[];
    metrics?: DispatcherMetrics;
    clock: Clock;
    logger: Logger;
}

interface IncomingRequest extends ReceivedRequest {
    output: AnswerOutput;
    cancelled: AbortSignal;
    observed: ObservedRequest | undefined;
}

const helloTimeoutMs = 10_000;
const unlimitedNano = (1n << 96n) - 1n;

/** Relays sealed requests to connected nodes and keeps what is owed. Sees ciphertext, sizes and sums; never text. */
export class DispatcherService {
    private readonly nodes = new NodeRoster();
    private readonly running = new Set<RequestRelay>();
    private readonly admission: Admission;
    private readonly raises: CapRaises;
    private readonly orphans: OrphanedReceipts;
    private readonly caps = new CapBook();
    private draining = false;
    private readonly processId = randomBytes(8).toString('hex');

    constructor(private readonly options: DispatcherOptions) {
        this.admission = new Admission(options);
        this.raises = new CapRaises(this.admission, this.caps);
        this.orphans = new OrphanedReceipts({ ...options, admission: this.admission, caps: this.caps });
    }

    /** After a crash: what ran then runs no more. */
    async recover(): Promise<void> {
        const lost = await this.options.ledger.markRunningLost(this.options.clock.nowMs());
        if (lost > 0)
            this.options.logger.warn(
                { requests: lost },
                'requests were cut off by the last stop; their receipts may still come',
            );
    }

    get inFlight(): number {
        return this.running.size;
    }

    get waiting(): number {
        return this.nodes.waiting;
    }

    get connectedNodes(): number {
        return this.nodes.size;
    }

    get ready(): boolean {
        return !this.draining;
    }

    /** Moves whenever the directory does, load aside. */
    get directoryTag(): string {
        return this.nodes.tag;
    }

    /** @param since a `version` that the reader has: it gets what changed since, if that is still known */
    directory(since?: string): object {
        const { network, hub } = this.options;
        const { nodes, ...changes } = this.nodes.changes(since);
        return {
            network: network.toString('hex'),
            hub: hub.toString('hex'),
            ...changes,
            replicas: this.replicaUrls(),
            draining: this.draining,
            nodes: nodes.map((node) => node.describe()),
        };
    }

    /** The load of each node, or of those whose load changed since the reader's `version`. */
    load(since?: string): object {
        return { ...this.nodes.load(since), directory: this.nodes.tag };
    }

    info(): object {
        const { network, hub } = this.options;
        return { network: network.toString('hex'), hub: hub.toString('hex'), version: 1 };
    }

    /** Takes one request to its end. @throws DispatchError before anything was written to `output` */
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
        const { envelope, cancelled } = request;
        this.refuseWhenDraining();
        const { nodeKey, escrow, deadlineMs } = envelope.context;
        const node = this.nodes.get(nodeKey.toString('hex'));
        if (node === undefined) throw new DispatchError('node_unknown', 'that node is not connected here');
        const isTaken = await this.takeOver(request);
        // Before it waits: otherwise made-up escrows, each of which comes first, would fill the node's queue.
        if (!isTaken) await this.admission.check(envelope);
        if (!isTaken && !node.queue.free) await this.admission.refuseReplay(envelope);
        const patience = patienceOf(cancelled, deadlineMs - this.options.clock.nowMs());
        try {
            const work = () => this.relayTo(node, request, isTaken);
            await node.queue.run(escrow.toString('hex'), work, patience.signal);
        } finally {
            patience.end();
        }
    }

    private refuseWhenDraining(): void {
        if (!this.draining) return;
        throw new DispatchError('draining', 'this dispatcher is stopping: use another', { retryAfterMs: 1_000 });
    }

    /** @returns whether another replica has recorded the request, which is this one's from now on */
    private async takeOver({ envelope, resumeFrom }: IncomingRequest): Promise<boolean> {
        if (resumeFrom === undefined) return false;
        const { ledger, clock } = this.options;
        const taken = await takeOver(envelope, { ledger, nowMs: clock.nowMs(), admission: this.admission });
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
        this.raises.end(request.envelope);
        this.running.delete(relay);
    }

    private async admitAndBegin(node: ConnectedNode, request: IncomingRequest): Promise<RequestRelay> {
        const begun: { relay?: RequestRelay } = {};
        const recorded = this.admission.admit(request.envelope, () => {
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
        const { ledger, clock, logger } = this.options;
        const stream = this.caps.raise(envelope.context, envelope.cap.cumulativeNano);
        const relay = new RequestRelay({
            ...request,
            link: node.link,
            // Another replica may have recorded a higher cap of the stream: that is looked up when a receipt needs it.
            binding: { ...bindingOfEnvelope(envelope), capCumulativeNano: unlimitedNano },
            capCovers: async (nano) =>
                nano <= stream.highestNano ||
                nano <= this.caps.raise(envelope.context, await ledger.highestCapNano(envelope.context)).highestNano,
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
        this.raises.begin(envelope, node.link);
        if (cancelled.aborted) onCancel();
        return relay;
    }

    /** The next window of a request that runs. @throws DispatchError */
    async raise(requestId: Buffer, bytes: Buffer): Promise<void> {
        try {
            await this.raises.pass(requestId, bytes);
            this.options.metrics?.raise('passed');
        } catch (error) {
            this.options.metrics?.raise(error instanceof DispatchError ? error.code : 'unexpected');
            throw error;
        }
    }

    /** A node dialled in: challenge it, then keep it for as long as the socket lives. */
    connect(socket: WebSocket): void {
        const { network, hub } = this.options;
        const challenge = randomBytes(32);
        const timer = setTimeout(() => socket.terminate(), helloTimeoutMs);
        socket.on('error', () => socket.terminate());
        socket.once('close', () => clearTimeout(timer));
        socket.once('message', (data: Buffer) => {
            clearTimeout(timer);
            const hello = readHello(data);
            if (hello === undefined) return socket.close(1008, 'the hello is malformed');
            void this.welcome(socket, hello, challenge);
        });
        const hex = {
            network: network.toString('hex'),
            hub: hub.toString('hex'),
            challenge: challenge.toString('hex'),
            replica: this.processId,
        };
        socket.send(encodeJsonMessage(linkOperation.challenge, hex));
    }

    private async welcome(socket: WebSocket, hello: Hello, challenge: Buffer): Promise<void> {
        const { network, hub, clock, logger } = this.options;
        const release = holdMessages(socket);
        const greeted = await checkHello(hello, { network, hub, challenge }, clock);
        const refusal = typeof greeted === 'string' ? greeted : await this.admissionProblem(greeted.nodeKey);
        if (refusal !== undefined || typeof greeted === 'string') {
            logger.warn({ node: hello.nodeKey.toString('hex'), reason: refusal }, 'node refused');
            this.options.metrics?.hello('refused');
            closeSocket(socket, refusal ?? 'refused');
        } else if (socket.readyState === socket.OPEN) this.take(socket, hello, greeted);
        release();
    }

    private take(socket: WebSocket, hello: Hello, greeted: GreetedNode): void {
        const { clock, logger } = this.options;
        const node = new ConnectedNode(greeted, hello, this.options.queueLimitPerNode, clock.nowMs());
        // A node that dials again before its old socket is noticed dead replaces it.
        this.nodes.get(node.id)?.link.close('replaced by a newer connection');
        this.nodes.set(node);
        // Each in its turn: their signatures are verified on other threads.
        let updated = Promise.resolve();
        node.link = new NodeLink(socket, greeted.nodeKey, {
            update: (update) => void (updated = updated.then(() => this.onUpdate(node, update))),
            orphan: (message) => void this.orphans.take(node, message),
            load: (load) => (node.borne = load),
            closed: () => this.onClosed(node),
        });
        if (this.replicaUrls().length > 0) node.link.tellReplicas(this.replicaUrls());
        this.options.metrics?.hello('connected');
        logger.info({ node: node.id }, 'node connected');
    }

    private async admissionProblem(nodeKey: Buffer): Promise<string | undefined> {
        if (this.draining) return 'the dispatcher is stopping';
        try {
            return (await this.options.isAdmitted(nodeKey))
                ? undefined
                : 'the hub has not admitted this key: request admission first';
        } catch {
            return 'the chain cannot be read at the moment: dial again';
        }
    }

    private async onUpdate(node: ConnectedNode, update: Update): Promise<void> {
        const { network, clock } = this.options;
        try {
            const { nodeKey } = node.greeted;
            const terms = await readTerms(update, { network, nodeKey, clock });
            if (update.evidence !== undefined) checkBundle(update.evidence.bundle, { network, nodeKey });
            node.accept(terms, update.evidence);
            this.nodes.touch(node);
        } catch (error) {
            node.link.close(error instanceof Error ? error.message : 'the update is malformed');
        }
    }

    private onClosed(node: ConnectedNode): void {
        if (this.nodes.get(node.id) === node) this.nodes.delete(node);
        this.options.logger.info({ node: node.id }, 'node disconnected');
    }

    /** What is known of one request, for gateways that missed its end. */
    async requestState(requestId: Buffer): Promise<object> {
        const request = await this.options.ledger.requestState(requestId);
        if (request === null) return { state: 'unknown' };
        return {
            state: request.state,
            receipt: describeReceipt(request.receipt),
            checkpoint: describeReceipt(request.checkpoint),
        };
    }

    /** The other replicas are not those that they were. */
    tellReplicas(): void {
        for (const { link } of this.nodes.all()) link.tellReplicas(this.replicaUrls());
    }

    private replicaUrls(): readonly string[] {
        return this.options.replicaUrls?.() ?? [];
    }

    /** Whether new requests are refused; those under way go on. */
    setDraining(draining: boolean): void {
        this.draining = draining;
    }

    /** No new requests; those under way end by themselves, until `graceMs` has passed. */
    async drain(graceMs: number): Promise<void> {
        this.draining = true;
        const over = new AbortController();
        const all = Promise.all([...this.running].map((relay) => relay.done));
        await Promise.race([all, this.options.clock.sleep(graceMs, over.signal).catch(() => undefined)]);
        over.abort();
        for (const node of [...this.nodes.all()]) node.link.close('the dispatcher is stopping');
    }
}

function gatewayGone(): DispatchError {
    return new DispatchError('deadline_passed', 'the gateway went away');
}

/** Aborts when nobody would use the answer any more: the gateway has gone or the deadline is over. */
function patienceOf(cancelled: AbortSignal, leftMs: number): { signal: AbortSignal; end(): void } {
    const controller = new AbortController();
    const onCancel = () => controller.abort(gatewayGone());
    const late = new DispatchError('deadline_passed', 'the deadline passed while the request waited for the node');
    const timer = setTimeout(() => controller.abort(late), leftMs);
    if (cancelled.aborted) onCancel();
    cancelled.addEventListener('abort', onCancel, { once: true });
    const end = () => {
        clearTimeout(timer);
        cancelled.removeEventListener('abort', onCancel);
    };
    return { signal: controller.signal, end };
}

function readHello(data: Buffer): Hello | undefined {
    if (data.length > maxHelloBytes || data[0] !== linkOperation.hello) return undefined;
    return decodeJson(helloSchema, data.subarray(1));
}

/** A pause stops the reading, but messages read already still come: they wait until somebody listens. */
function holdMessages(socket: WebSocket): () => void {
    const early: [data: Buffer, isBinary: boolean][] = [];
    const hold = (data: Buffer, isBinary: boolean) => early.push([data, isBinary]);
    socket.on('message', hold);
    socket.pause();
    return () => {
        socket.off('message', hold);
        for (const [data, isBinary] of early) socket.emit('message', data, isBinary);
        socket.resume();
    };
}

function describeReceipt(stored: StoredReceipt | null): object | null {
    if (stored === null) return null;
    const payload = Buffer.concat([
        encodeReceiptTail(stored.receipt),
        stored.signature,
        stored.usageHash,
        stored.transcriptHash,
    ]);
    return { costNano: stored.receipt.costNano.toString(), payload: payload.toString('base64') };
}
