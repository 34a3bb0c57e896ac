import type { Clock } from '../base';
import type { DispatcherClient, DispatcherRefusal, Relayed } from './dispatcher-client';
import { GatewayError } from './errors';
import type { AnswerFrames } from './frame-queue';
import { neverConnected } from './not-begun';
import { DialFailed } from './relay-link';

export interface ReplicaRelayOptions {
    request: { requestId: Buffer; envelope: Buffer };
    /** Replicas of the hub's dispatcher, the one to ask first in front; read again whenever one is needed. */
    replicas: () => readonly DispatcherClient[];
    /** Ends everything, with its reason. */
    signal: AbortSignal;
    /** A replica is not used for this request any more. */
    onLeft: (url: string, reason: string) => void;
    clock: Clock;
    /** How long a replica is looked for that goes on: a node keeps a request for about as long. */
    patienceMs?: number;
}

/** About the replica as a whole. */
const aboutReplica: ReadonlySet<string> = new Set(['draining']);
/** It has no connection to the node. */
const withoutNode: ReadonlySet<string> = new Set(['node_unknown', 'node_lost']);
const otherReplicaMayServe: ReadonlySet<string> = new Set([...aboutReplica, ...withoutNode, 'link_full']);
/** The node may have the request. */
const mayBePassedOn: ReadonlySet<string> = new Set(['node_lost']);

const defaultPatienceMs = 4_000;
const roundMs = 200;

/**
 * One sealed request by way of whichever replica is there. When a replica fails, the same bytes go to another one, which
 * asks the node to go on where this gateway stopped to read: a node works on each request once, so nothing runs or is
 * paid twice, and what the ledger has reserved stays as it is.
 */
export class ReplicaRelay {
    private client: DispatcherClient;
    /** Whether a replica may have passed the request on: then the next one must ask for what is there. */
    private passedOn = false;
    /** Bytes of the answer that were read. */
    private from = 0;
    private current: AnswerFrames | undefined;
    private left = false;

    constructor(private readonly options: ReplicaRelayOptions) {
        this.client = options.replicas()[0]!;
    }

    /** Resolves with the answer's frames, which outlive a replica, or a refusal. Throws when no replica can be reached. */
    async relay(): Promise<Relayed> {
        const { request, signal, replicas } = this.options;
        // Alone it needs nobody to follow the answer.
        if (replicas().length < 2) return this.client.relay(request, signal);
        const relayed = await this.find();
        if (!relayed.ok) return relayed;
        this.current = relayed.frames;
        return { ok: true, frames: { [Symbol.asyncIterator]: () => this.follow(), destroy: () => this.destroy() } };
    }

    /** To the replica that has the request now. */
    raise(requestId: Buffer, raise: Buffer, signal: AbortSignal): Promise<void> {
        return this.client.raise(requestId, raise, signal);
    }

    private destroy(): void {
        this.left = true;
        this.current?.destroy();
    }

    private async *follow(): AsyncGenerator<Buffer> {
        for (;;) {
            try {
                for await (const bytes of this.current!) {
                    this.from += bytes.length;
                    yield bytes;
                }
                return;
            } catch (error) {
                await this.moveOn(error);
            }
        }
    }

    /** @throws what broke the answer, where no other replica goes on with it */
    private async moveOn(error: unknown): Promise<void> {
        // Of this side's own making, such as a caller that does not read.
        if (this.left || this.options.signal.aborted || error instanceof GatewayError) throw error;
        this.passedOn = true;
        this.leave(error instanceof Error ? error.message : 'it broke the answer off');
        const relayed = await this.find().catch(() => undefined);
        if (relayed?.ok !== true) throw error;
        this.current = relayed.frames;
        if (this.left) this.current.destroy();
    }

    /** Asks one replica after the other, again and again for a while. */
    private async find(): Promise<Relayed> {
        const { replicas, clock, signal, patienceMs = defaultPatienceMs } = this.options;
        const untilMs = clock.monotonicMs() + patienceMs;
        let last: DispatcherRefusal | undefined;
        for (;;) {
            let nodeMayCome = false;
            for (const client of replicas()) {
                this.client = client;
                const relayed = await this.ask();
                const refusal = relayed?.ok === false ? relayed.refusal : undefined;
                if (relayed !== undefined && !otherReplicaMayServe.has(refusal?.code ?? '')) return relayed;
                last = refusal ?? last;
                nodeMayCome ||= !withoutNode.has(refusal?.code ?? '');
                if (refusal === undefined || aboutReplica.has(refusal.code))
                    this.leave(refusal?.message ?? 'it cannot be reached');
            }
            // Where every replica answers, and none has the node, the node is gone.
            if (!nodeMayCome || clock.monotonicMs() >= untilMs) break;
            await clock.sleep(roundMs, signal);
        }
        if (this.passedOn) throw new Error('no replica goes on with the request');
        if (last !== undefined) return { ok: false, refusal: last };
        throw new DialFailed('no replica of the dispatcher can be reached');
    }

    /** @returns undefined when the replica cannot be reached or was lost */
    private async ask(): Promise<Relayed | undefined> {
        const { request, signal } = this.options;
        const resumeFrom = this.passedOn ? this.from : undefined;
        try {
            const relayed = await this.client.relay({ ...request, resumeFrom }, signal);
            if (!relayed.ok && mayBePassedOn.has(relayed.refusal.code)) this.passedOn = true;
            return relayed;
        } catch (error) {
            if (signal.aborted || error instanceof GatewayError) throw error;
            if (!neverConnected(error)) this.passedOn = true;
            return undefined;
        }
    }

    private leave(reason: string): void {
        this.options.onLeft(this.client.url, reason);
    }
}
