import type { WebSocket } from 'ws';
import { Admission, type AnswerOutput, CapBook, DispatchError } from '../dispatch';
import { CapRaises } from './cap-raises';
import type { DispatcherOptions } from './dispatcher-options';
import { Directory } from './directory';
import { NodeGreeter } from './node-greeter';
import { NodeRoster } from './node-roster';
import { OrphanedReceipts } from './orphaned-receipts';
import type { ReceivedRequest } from './received-request';
import { RelayDesk } from './relay-desk';
import { requestState } from './request-state';

/** Relays sealed requests to connected nodes and keeps what is owed. Sees ciphertext, sizes and sums; never text. */
export class DispatcherService {
    /** What gateways read of the nodes. */
    readonly directory: Directory;
    private readonly nodes = new NodeRoster();
    private readonly greeter: NodeGreeter;
    private readonly desk: RelayDesk;
    private readonly raises: CapRaises;
    private draining = false;
    private replaced = false;

    constructor(private readonly options: DispatcherOptions) {
        const { nodes } = this;
        const caps = new CapBook();
        const admission = new Admission(options);
        const isDraining = () => !this.ready;
        const replicaUrls = () => this.replicaUrls();
        const orphans = new OrphanedReceipts({ ...options, admission, caps });
        this.raises = new CapRaises(admission, caps);
        this.desk = new RelayDesk({ ...options, nodes, admission, caps, isDraining, raises: this.raises });
        this.greeter = new NodeGreeter({ ...options, nodes, orphans, isDraining, replicaUrls });
        this.directory = new Directory({ ...options, nodes, isDraining, replicaUrls });
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
        return this.desk.inFlight;
    }

    get waiting(): number {
        return this.nodes.waiting;
    }

    get connectedNodes(): number {
        return this.nodes.size;
    }

    get ready(): boolean {
        return !this.draining && !this.replaced;
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
    relay(received: ReceivedRequest, output: AnswerOutput, cancelled: AbortSignal): Promise<void> {
        return this.desk.relay(received, output, cancelled);
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

    /** A node dialled in. */
    connect(socket: WebSocket): void {
        this.greeter.connect(socket);
    }

    /** What is known of one request, for gateways that missed its end. */
    requestState(requestId: Buffer): Promise<object> {
        return requestState(this.options.ledger, requestId);
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

    get isReplaced(): boolean {
        return this.replaced;
    }

    /** Another process is this dispatcher by now: new requests are refused for good, whatever an operator says. */
    setReplaced(): void {
        this.replaced = true;
    }

    /** No new requests; those under way end by themselves, until `graceMs` has passed. */
    async drain(graceMs: number): Promise<void> {
        this.draining = true;
        const over = new AbortController();
        await Promise.race([this.desk.idle(), this.options.clock.sleep(graceMs, over.signal).catch(() => undefined)]);
        over.abort();
        for (const node of [...this.nodes.all()]) node.link.close('the dispatcher is stopping');
    }
}
