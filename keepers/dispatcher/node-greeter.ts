import { randomBytes } from 'node:crypto';
import type { WebSocket } from 'ws';
import type { Clock, Logger } from '../base';
import {
    checkBundle,
    checkHello,
    closeSocket,
    ConnectedNode,
    decodeJson,
    encodeJsonMessage,
    type GreetedNode,
    type Hello,
    helloSchema,
    linkOperation,
    maxHelloBytes,
    NodeLink,
    readTerms,
    type Update,
} from '../dispatch';
import type { DispatcherMetrics } from '../telemetry';
import { holdMessages } from './hold-messages';
import type { NodeRoster } from './node-roster';
import type { OrphanedReceipts } from './orphaned-receipts';

export interface NodeGreeterOptions {
    network: Buffer;
    hub: Buffer;
    nodes: NodeRoster;
    orphans: Pick<OrphanedReceipts, 'take'>;
    isAdmitted: (nodeKey: Buffer) => Promise<boolean>;
    /** Nodes that dial now are sent away. */
    isDraining: () => boolean;
    replicaUrls: () => readonly string[];
    queueLimitPerNode: number;
    metrics?: Pick<DispatcherMetrics, 'hello'>;
    clock: Clock;
    logger: Logger;
}

const helloTimeoutMs = 10_000;

/** Nodes dial in: each is challenged, and is in the roster for as long as its socket lives. */
export class NodeGreeter {
    private readonly processId = randomBytes(8).toString('hex');

    constructor(private readonly options: NodeGreeterOptions) {}

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
        const { network, hub, clock, logger, metrics } = this.options;
        const release = holdMessages(socket);
        const greeted = checkHello(hello, { network, hub, challenge }, clock);
        const refusal = typeof greeted === 'string' ? greeted : await this.admissionProblem(greeted.nodeKey);
        if (refusal !== undefined || typeof greeted === 'string') {
            logger.warn({ node: hello.nodeKey.toString('hex'), reason: refusal }, 'node refused');
            metrics?.hello('refused');
            closeSocket(socket, refusal ?? 'refused');
        } else if (socket.readyState === socket.OPEN) this.take(socket, hello, greeted);
        release();
    }

    private take(socket: WebSocket, hello: Hello, greeted: GreetedNode): void {
        const { nodes, orphans, queueLimitPerNode, replicaUrls, metrics, clock, logger } = this.options;
        const node = new ConnectedNode(greeted, hello, queueLimitPerNode, clock.nowMs());
        // A node that dials again before its old socket is noticed dead replaces it.
        nodes.get(node.id)?.link.close('replaced by a newer connection');
        nodes.set(node);
        node.link = new NodeLink(socket, greeted.nodeKey, {
            update: (update) => this.onUpdate(node, update),
            orphan: (message) => void orphans.take(node, message),
            load: (load) => (node.borne = load),
            closed: () => this.onClosed(node),
        });
        if (replicaUrls().length > 0) node.link.tellReplicas(replicaUrls());
        metrics?.hello('connected');
        logger.info({ node: node.id }, 'node connected');
    }

    private async admissionProblem(nodeKey: Buffer): Promise<string | undefined> {
        if (this.options.isDraining()) return 'the dispatcher is stopping';
        try {
            return (await this.options.isAdmitted(nodeKey))
                ? undefined
                : 'the hub has not admitted this key: request admission first';
        } catch {
            return 'the chain cannot be read at the moment: dial again';
        }
    }

    private onUpdate(node: ConnectedNode, update: Update): void {
        const { network, nodes, clock } = this.options;
        try {
            const { nodeKey } = node.greeted;
            const terms = readTerms(update, { network, nodeKey, clock });
            if (update.evidence !== undefined) checkBundle(update.evidence.bundle, { network, nodeKey });
            node.accept(terms, update.evidence);
            nodes.touch(node);
        } catch (error) {
            node.link.close(error instanceof Error ? error.message : 'the update is malformed');
        }
    }

    private onClosed(node: ConnectedNode): void {
        const { nodes, logger } = this.options;
        if (nodes.get(node.id) === node) nodes.delete(node);
        logger.info({ node: node.id }, 'node disconnected');
    }
}

function readHello(data: Buffer): Hello | undefined {
    if (data.length > maxHelloBytes || data[0] !== linkOperation.hello) return undefined;
    return decodeJson(helloSchema, data.subarray(1));
}
