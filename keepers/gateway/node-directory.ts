import PQueue from 'p-queue';
import { type Clock, errorMessage, type Logger } from '../base';
import { DirectoryPeer, peerName } from './directory-peer';
import type { DispatcherPeer } from './dispatcher-feed';
import { EvidenceShelf } from './evidence-shelf';
import type { ModelOffers } from './model-offers';
import type { NetworkView } from './network-view';
import { NodeConduct } from './node-conduct';
import type { NodeVerifier } from './node-verifier';
import { PickIndex } from './pick-index';
import type { NodeEvidence, NodeRow, TrustedNode } from './trusted-node';

export interface NodeDirectoryOptions {
    network: Buffer;
    /** May change from round to round. */
    peers: () => readonly DispatcherPeer[];
    /** A dispatcher names the other replicas of its hub's. */
    onReplicas?: (by: DispatcherPeer, urls: readonly string[]) => void;
    view: NetworkView;
    verifier: NodeVerifier;
    pollIntervalMs: number;
    /** Told of every judgement: the check that failed, or `accepted`. */
    onVerdict?: (check: string) => void;
    clock: Clock;
    logger: Logger;
}

/** What was found of a node holds this long while chain or dispatcher can't be asked again; then it is trusted no more. */
const trustLifeMs = 120_000;
const checksAtOnce = 64;
/** Load is read more often than anything else: a pick by old load sends all to one node. */
const loadIntervalMs = 500;

/** A dispatcher that stops says so in every answer until it has. */
const drainingMs = 5_000;

/** Every node that any dispatcher names, sorted into those whose evidence holds and those it does not hold for. */
export class NodeDirectory {
    private peers: DirectoryPeer[] = [];
    private readonly conduct: NodeConduct;
    private readonly shelf = new EvidenceShelf();
    private trustedNodes: ReadonlyMap<string, TrustedNode> = new Map();
    private index = new PickIndex([]);
    private readonly stopping = new AbortController();
    private loops: Promise<unknown> | undefined;
    /** Null until the first whole round; then why the last one failed, or ''. */
    private lastProblem: string | null = null;
    private indexedPeers = '';

    constructor(private readonly options: NodeDirectoryOptions) {
        this.conduct = new NodeConduct(options);
    }

    start(): void {
        this.loops ??= Promise.all([this.run(), this.runLoad()]);
    }

    async stop(): Promise<void> {
        this.stopping.abort(new Error('stopping'));
        await this.loops;
    }

    get trusted(): readonly TrustedNode[] {
        const nowMs = this.options.clock.monotonicMs();
        return [...this.trustedNodes.values()].filter((node) => this.isUsable(node, nowMs));
    }

    /** Those that serve the model in that way, as of the last round; of each, `isUsable` says whether it still stands. */
    offers(model: string, capability: string): ModelOffers | undefined {
        return this.index.offers(model, capability);
    }

    isUsable(node: TrustedNode, nowMs = this.options.clock.monotonicMs()): boolean {
        return nowMs - node.checkedAtMs <= trustLifeMs && this.conduct.isGood(node.id, nowMs);
    }

    get evidence(): ReadonlyMap<string, NodeEvidence> {
        return this.shelf.all;
    }

    get problem(): string | null {
        return this.lastProblem;
    }

    /** Why a node gets no requests though some dispatcher names it; null when it may get some. */
    whyUnused(id: string): { code: string; detail: string } | null {
        const nowMs = this.options.clock.monotonicMs();
        const reason = this.conduct.whyNot(id, nowMs) ?? this.shelf.all.get(id)?.refusal;
        if (reason) return reason;
        const peers = this.peers.filter(({ feed }) => feed.all.has(id));
        if (peers.length === 0) return { code: 'not_listed', detail: 'no dispatcher names it any more' };
        const node = this.trustedNodes.get(id);
        if (node !== undefined)
            return this.isUsable(node, nowMs)
                ? null
                : { code: 'check_too_old', detail: 'chain or dispatcher could not be asked about it for two minutes' };
        const left = peers.find(({ leftUntilMs }) => leftUntilMs > nowMs);
        if (left !== undefined) return { code: 'dispatcher_left', detail: left.leftFor };
        return { code: 'not_checked', detail: 'it has not been checked yet' };
    }

    ban(id: string, reason: string): void {
        this.conduct.ban(id, reason);
    }

    avoid(id: string, reason: string): void {
        this.conduct.avoid(id, reason);
    }

    notBegun(node: TrustedNode): void {
        this.conduct.notBegun(node);
    }

    /** For a dispatcher that is down or steers: its nodes are used by way of others, while there are others. */
    leaveDispatcher(url: string, reason: string, forMs: number): void {
        const nowMs = this.options.clock.monotonicMs();
        const peer = this.peers.find((one) => one.url === url);
        if (peer === undefined) return;
        if (peer.leftUntilMs <= nowMs) this.options.logger.warn({ dispatcher: url, reason }, 'dispatcher left');
        peer.leftUntilMs = Math.max(peer.leftUntilMs, nowMs + forMs);
        peer.leftFor = reason;
        this.reindex(false);
    }

    async refresh(): Promise<void> {
        try {
            await this.options.view.refresh();
            this.syncPeers();
            const rounds = await Promise.allSettled(this.peers.map((peer) => this.checkPeer(peer)));
            this.reindex(rounds.some((round) => round.status === 'fulfilled' && round.value));
            const failed = rounds.find((round) => round.status === 'rejected');
            this.lastProblem = failed === undefined ? '' : errorMessage(failed.reason);
        } catch (error) {
            this.lastProblem = errorMessage(error);
        }
    }

    /** What dispatchers say their nodes bear at the moment. */
    async refreshLoad(): Promise<void> {
        this.conduct.fade();
        await Promise.allSettled(
            this.peers.map(async ({ feed, trusted }) => {
                for (const id of await feed.refreshLoad()) {
                    const node = trusted.get(id);
                    if (node !== undefined) node.load = feed.all.get(id)!.load;
                }
            }),
        );
    }

    private syncPeers(): void {
        const known = new Map(this.peers.map((peer) => [peerName(peer.feed.peer), peer]));
        this.peers = this.options
            .peers()
            .map((peer) => known.get(peerName(peer)) ?? new DirectoryPeer(peer, this.options.network));
    }

    private async run(): Promise<void> {
        const { logger, clock, pollIntervalMs } = this.options;
        while (!this.stopping.signal.aborted) {
            const before = this.lastProblem;
            await this.refresh();
            // Once for every change: an outage has many rounds.
            if (this.lastProblem !== '' && this.lastProblem !== before)
                logger.warn({ problem: this.lastProblem }, 'the directory could not be read whole');
            if (this.lastProblem === '' && before) logger.info('the directory can be read whole again');
            await clock.sleep(pollIntervalMs, this.stopping.signal).catch(() => undefined);
        }
    }

    private async runLoad(): Promise<void> {
        while (!this.stopping.signal.aborted) {
            await this.options.clock.sleep(loadIntervalMs, this.stopping.signal).catch(() => undefined);
            if (!this.stopping.signal.aborted) await this.refreshLoad();
        }
    }

    /** Dispatchers of the node's hub by URL: first the one that it was picked at, then others that have it, those left last. */
    waysTo({ id, hub, dispatcherUrl }: TrustedNode): string[] {
        const nowMs = this.options.clock.monotonicMs();
        const rankOf = ({ feed, leftUntilMs, url }: DirectoryPeer) =>
            (leftUntilMs > nowMs ? 4 : 0) + (feed.all.has(id) ? 0 : 2) + (url === dispatcherUrl ? 0 : 1);
        const ways = this.peers
            .filter(({ feed }) => feed.peer.hub.equals(hub))
            .map((peer) => ({ url: peer.url, rank: rankOf(peer) }))
            .sort((a, b) => a.rank - b.rank)
            .map(({ url }) => url);
        return ways.length === 0 ? [dispatcherUrl] : ways;
    }

    /** A node that several hubs admit is used by way of the first that is not left; replicas of one hub share its nodes. */
    private reindex(hasChanged: boolean): void {
        const nowMs = this.options.clock.monotonicMs();
        const standing = this.peers.filter(({ leftUntilMs }) => leftUntilMs <= nowMs);
        const used = standing.some(({ trusted }) => trusted.size > 0) ? standing : this.peers;
        const names = used.map(({ url }) => url).join(' ');
        if (!hasChanged && names === this.indexedPeers) return;
        this.indexedPeers = names;
        const byId = new Map<string, TrustedNode>();
        for (const { trusted } of used)
            for (const [id, node] of trusted) {
                const known = byId.get(id);
                if (known === undefined || isRatherBy(node, known)) byId.set(id, node);
            }
        this.trustedNodes = byId;
        this.index = new PickIndex([...byId.values()]);
    }

    /** @returns whether other nodes are trusted than before, or on other terms */
    private async checkPeer(peer: DirectoryPeer): Promise<boolean> {
        const touched = await peer.feed.refresh();
        this.options.onReplicas?.(peer.feed.peer, peer.feed.replicas);
        if (peer.feed.draining) this.leaveDispatcher(peer.url, 'it is stopping', drainingMs);
        const version = this.options.view.current?.version;
        const due =
            peer.registryVersion === version
                ? peer.due(touched, this.options.clock.monotonicMs())
                : [...peer.feed.all.keys()];
        peer.registryVersion = version;
        let hasChanged = false;
        for (const id of touched) if (!peer.feed.all.has(id)) hasChanged = peer.drop(id) || hasChanged;
        const queue = new PQueue({ concurrency: checksAtOnce });
        await queue.addAll(
            due.map((id) => async () => {
                const isOther = await this.checkRow(peer, peer.feed.all.get(id)!, touched.has(id));
                hasChanged = isOther || hasChanged;
            }),
        );
        return hasChanged;
    }

    private async checkRow(peer: DirectoryPeer, row: NodeRow, isNew: boolean): Promise<boolean> {
        const id = row.nodeKey;
        if (this.conduct.isBanned(id)) return peer.drop(id);
        const before = this.shelf.all.get(id);
        const from = { dispatcherUrl: peer.url, hub: peer.feed.peer.hub };
        const checked = await this.options.verifier.check(row, from).catch((error: unknown) => {
            this.options.logger.warn({ node: id, reason: errorMessage(error) }, 'node not checked');
        });
        // The chain could not be asked about this one: what was found of it before holds for a while.
        if (checked === undefined) {
            peer.judgeSoon(id);
            return false;
        }
        const { trusted, evidence } = checked;
        this.shelf.keep(evidence);
        this.options.onVerdict?.(evidence.refusal?.code ?? 'accepted');
        if (evidence.refusal !== null && before?.refusal?.code !== evidence.refusal.code) {
            this.options.logger.warn({ node: evidence.nodeKey, ...evidence.refusal }, 'node refused');
        }
        if (trusted !== null) return peer.trust(trusted, isNew, this.options.clock.monotonicMs());
        const wasTrusted = peer.drop(id);
        peer.judgeSoon(id);
        return wasTrusted;
    }
}

/** Of replicas of one hub each has its share of the nodes, the same at every look. */
function isRatherBy(node: TrustedNode, than: TrustedNode): boolean {
    return node.hub.equals(than.hub) && affinity(node) > affinity(than);
}

/** FNV-1a of dispatcher and node. */
function affinity({ id, dispatcherUrl }: TrustedNode): number {
    let hash = 0x811c9dc5;
    for (const text of [dispatcherUrl, id])
        for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
    return hash >>> 0;
}
