import type { Address } from '@ton/core';
import { type Clock, errorMessage, type Logger } from '../base';
import type { DispatcherClient } from './dispatcher-client';
import type { NetworkView } from './network-view';
import type { ModelOffers } from './model-offers';
import type { NodeVerifier } from './node-verifier';
import { PickIndex } from './pick-index';
import { directorySchema, type NodeEvidence, nodeRowSchema, type TrustedNode } from './trusted-node';

export interface DispatcherPeer {
    client: DispatcherClient;
    hub: Address;
}

export interface NodeDirectoryOptions {
    network: Buffer;
    peers: readonly DispatcherPeer[];
    view: NetworkView;
    verifier: NodeVerifier;
    pollIntervalMs: number;
    clock: Clock;
    logger: Logger;
}

/** What was found of a node holds this long while chain or dispatcher can't be asked again; then it is trusted no more. */
const trustLifeMs = 120_000;
/** A node whose answer arrived broken is left alone this long: node and dispatcher can't be told apart there. */
const avoidMs = 60_000;
/** Evidence of nodes past and present; the ones seen last stay. */
const maxEvidence = 20_000;

/** Every node that any dispatcher names, sorted into those whose evidence holds and those it does not hold for. */
export class NodeDirectory {
    private trustedNodes: TrustedNode[] = [];
    private index = new PickIndex([]);
    private readonly evidenceById = new Map<string, NodeEvidence>();
    private readonly banned = new Map<string, string>();
    private readonly avoidedUntilMs = new Map<string, number>();
    private readonly stopping = new AbortController();
    private loop: Promise<void> | undefined;
    /** Null until the first whole round; then why the last one failed, or ''. */
    private lastProblem: string | null = null;

    constructor(private readonly options: NodeDirectoryOptions) {}

    start(): void {
        this.loop ??= this.run();
    }

    async stop(): Promise<void> {
        this.stopping.abort(new Error('stopping'));
        await this.loop;
    }

    get trusted(): readonly TrustedNode[] {
        return this.trustedNodes.filter((node) => this.isUsable(node));
    }

    /** Those that serve the model in that way, as of the last round; of each, `isUsable` says whether it still stands. */
    offers(model: string, capability: string): ModelOffers | undefined {
        return this.index.offers(model, capability);
    }

    isUsable({ id, checkedAtMs }: TrustedNode): boolean {
        const nowMs = this.options.clock.nowMs();
        return (
            nowMs - checkedAtMs <= trustLifeMs && !this.banned.has(id) && (this.avoidedUntilMs.get(id) ?? 0) <= nowMs
        );
    }

    get evidence(): ReadonlyMap<string, NodeEvidence> {
        return this.evidenceById;
    }

    get problem(): string | null {
        return this.lastProblem;
    }

    /** A node that lied is left for the life of its key. */
    ban(id: string, reason: string): void {
        this.options.logger.error({ node: id, reason }, 'node banned');
        this.banned.set(id, reason);
    }

    /** For faults that nobody has signed for: whoever is in between could have made them too. */
    avoid(id: string, reason: string): void {
        const nowMs = this.options.clock.nowMs();
        this.options.logger.warn({ node: id, reason }, 'node avoided for a while');
        for (const [known, untilMs] of this.avoidedUntilMs) if (untilMs <= nowMs) this.avoidedUntilMs.delete(known);
        this.avoidedUntilMs.set(id, nowMs + avoidMs);
    }

    async refresh(): Promise<void> {
        try {
            await this.options.view.refresh();
            const rounds = await Promise.allSettled(this.options.peers.map((peer) => this.checkPeer(peer)));
            this.trustedNodes = rounds.flatMap((round, index) =>
                round.status === 'fulfilled' ? round.value : this.knownOf(this.options.peers[index]!),
            );
            this.index = new PickIndex(this.trustedNodes);
            const failed = rounds.find((round) => round.status === 'rejected');
            this.lastProblem = failed === undefined ? '' : errorMessage(failed.reason);
        } catch (error) {
            this.lastProblem = errorMessage(error);
        }
    }

    private knownOf({ client }: DispatcherPeer): TrustedNode[] {
        return this.trustedNodes.filter(({ dispatcherUrl }) => dispatcherUrl === client.url);
    }

    private async run(): Promise<void> {
        const { logger } = this.options;
        while (!this.stopping.signal.aborted) {
            const before = this.lastProblem;
            await this.refresh();
            // Once for every change: an outage has many rounds.
            if (this.lastProblem !== '' && this.lastProblem !== before)
                logger.warn({ problem: this.lastProblem }, 'the directory could not be read whole');
            if (this.lastProblem === '' && before) logger.info('the directory can be read whole again');
            await this.options.clock.sleep(this.options.pollIntervalMs, this.stopping.signal).catch(() => undefined);
        }
    }

    private async checkPeer({ client, hub }: DispatcherPeer): Promise<TrustedNode[]> {
        const directory = directorySchema.parse(await client.directory());
        if (directory.network !== this.options.network.toString('hex') || directory.hub !== hub.hash.toString('hex')) {
            throw new Error(`${client.url} serves another network or hub than its configuration says`);
        }
        const checked = await Promise.all(
            directory.nodes.map((row) => this.checkRow(row, { dispatcherUrl: client.url, hub })),
        );
        return checked.filter((node): node is TrustedNode => node !== undefined);
    }

    private async checkRow(
        row: unknown,
        from: { dispatcherUrl: string; hub: Address },
    ): Promise<TrustedNode | undefined> {
        const parsed = nodeRowSchema.safeParse(row);
        if (!parsed.success || this.banned.has(parsed.data.nodeKey)) return undefined;
        const before = this.evidenceById.get(parsed.data.nodeKey);
        const checked = await this.options.verifier.check(parsed.data, from).catch((error: unknown) => {
            this.options.logger.warn({ node: parsed.data.nodeKey, reason: errorMessage(error) }, 'node not checked');
        });
        // The chain could not be asked about this one: what was found of it before holds for a while.
        if (checked === undefined)
            return this.trustedNodes.find(
                ({ id, dispatcherUrl }) => id === parsed.data.nodeKey && dispatcherUrl === from.dispatcherUrl,
            );
        const { trusted, evidence } = checked;
        this.keepEvidence(evidence);
        if (evidence.refusal !== null && before?.refusal?.code !== evidence.refusal.code) {
            this.options.logger.warn({ node: evidence.nodeKey, ...evidence.refusal }, 'node refused');
        }
        return trusted ?? undefined;
    }

    private keepEvidence(evidence: NodeEvidence): void {
        this.evidenceById.delete(evidence.nodeKey);
        this.evidenceById.set(evidence.nodeKey, evidence);
        if (this.evidenceById.size > maxEvidence) this.evidenceById.delete(this.evidenceById.keys().next().value!);
    }
}
