import PQueue from 'p-queue';
import { type Clock, errorMessage, type Logger } from '../base';
import { DispatcherFeed, type DispatcherPeer } from './dispatcher-feed';
import type { ModelOffers } from './model-offers';
import type { NetworkView } from './network-view';
import type { NodeVerifier } from './node-verifier';
import { PickIndex } from './pick-index';
import { sizeOf } from './row-size';
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
/** A node whose answer arrived broken is left alone this long: node and dispatcher can't be told apart there. */
const avoidMs = 60_000;
/** Unchanged evidence is judged again, and the chain asked about its key, after this long. */
const recheckMs = 10_000;
/** Nodes judged again in one round; with more than that the others wait for the next, well within the life of their trust. */
const maxRechecks = 500;
const checksAtOnce = 64;
/** Evidence of nodes past and present; the ones seen last stay. A dispatcher could name others in every round. */
const maxEvidence = 20_000;
const maxEvidenceBytes = 256 * 1024 * 1024;
/** Load is read more often than anything else: a pick by old load sends all to one node. */
const loadIntervalMs = 500;
/** In every load interval: half of it in about seven seconds. */
const troubleKept = 0.95;
const maxTrouble = 8;

/** A dispatcher that stops says so in every answer until it has. */
const drainingMs = 5_000;

/** One dispatcher and what was found of its nodes. */
interface Peer {
    feed: DispatcherFeed;
    trusted: Map<string, TrustedNode>;
    /** Last time each node was judged, trusted or not. */
    judgedAtMs: Map<string, number>;
    /** Refused, or the chain could not be asked: judged again soon. */
    retry: Set<string>;
    registryVersion: number | undefined;
    leftUntilMs: number;
    leftFor: string;
}

/** Every node that any dispatcher names, sorted into those whose evidence holds and those it does not hold for. */
export class NodeDirectory {
    private peers: Peer[] = [];
    /** Nodes that did not begin of late. */
    private readonly troubled = new Set<TrustedNode>();
    private trustedNodes: ReadonlyMap<string, TrustedNode> = new Map();
    private index = new PickIndex([]);
    private readonly evidenceById = new Map<string, NodeEvidence>();
    private evidenceBytes = 0;
    private readonly banned = new Map<string, string>();
    private readonly avoided = new Map<string, { untilMs: number; reason: string }>();
    private readonly stopping = new AbortController();
    private loops: Promise<unknown> | undefined;
    /** Null until the first whole round; then why the last one failed, or ''. */
    private lastProblem: string | null = null;
    private indexedPeers = '';

    constructor(private readonly options: NodeDirectoryOptions) {}

    start(): void {
        this.loops ??= Promise.all([this.run(), this.runLoad()]);
    }

    async stop(): Promise<void> {
        this.stopping.abort(new Error('stopping'));
        await this.loops;
    }

    get trusted(): readonly TrustedNode[] {
        const nowMs = this.options.clock.nowMs();
        return [...this.trustedNodes.values()].filter((node) => this.isUsable(node, nowMs));
    }

    /** Those that serve the model in that way, as of the last round; of each, `isUsable` says whether it still stands. */
    offers(model: string, capability: string): ModelOffers | undefined {
        return this.index.offers(model, capability);
    }

    isUsable(node: TrustedNode, nowMs = this.options.clock.nowMs()): boolean {
        if (nowMs - node.checkedAtMs > trustLifeMs || this.banned.has(node.id)) return false;
        return this.avoided.size === 0 || (this.avoided.get(node.id)?.untilMs ?? 0) <= nowMs;
    }

    get evidence(): ReadonlyMap<string, NodeEvidence> {
        return this.evidenceById;
    }

    get problem(): string | null {
        return this.lastProblem;
    }

    /** Why a node gets no requests though some dispatcher names it; null when it may get some. */
    whyUnused(id: string): { code: string; detail: string } | null {
        const nowMs = this.options.clock.nowMs();
        if (this.banned.has(id)) return { code: 'banned', detail: this.banned.get(id)! };
        const avoided = this.avoided.get(id);
        if (avoided !== undefined && avoided.untilMs > nowMs) return { code: 'avoided', detail: avoided.reason };
        const refusal = this.evidenceById.get(id)?.refusal;
        if (refusal) return refusal;
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

    /** A node that lied is left for the life of its key. */
    ban(id: string, reason: string): void {
        this.options.logger.error({ node: id, reason }, 'node banned');
        this.banned.set(id, reason);
    }

    /** For faults that nobody has signed for: whoever is in between could have made them too. */
    avoid(id: string, reason: string): void {
        const nowMs = this.options.clock.nowMs();
        this.options.logger.warn({ node: id, reason }, 'node avoided for a while');
        for (const [known, { untilMs }] of this.avoided) if (untilMs <= nowMs) this.avoided.delete(known);
        this.avoided.set(id, { untilMs: nowMs + avoidMs, reason });
    }

    /** For a dispatcher that is down or steers: its nodes are used by way of others, while there are others. */
    leaveDispatcher(url: string, reason: string, forMs: number): void {
        const nowMs = this.options.clock.nowMs();
        const peer = this.peers.find(({ feed }) => feed.peer.client.url === url);
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
        this.fadeTrouble();
        await Promise.allSettled(
            this.peers.map(async ({ feed, trusted }) => {
                for (const id of await feed.refreshLoad()) {
                    const node = trusted.get(id);
                    if (node !== undefined) node.load = feed.all.get(id)!.load;
                }
            }),
        );
    }

    /** It did not begin: others are picked rather, for a while. */
    notBegun(node: TrustedNode): void {
        node.trouble = Math.min((node.trouble ?? 0) + 1, maxTrouble);
        this.troubled.add(node);
    }

    private fadeTrouble(): void {
        for (const node of this.troubled) {
            node.trouble = (node.trouble ?? 0) * troubleKept;
            if (node.trouble > 0.1) continue;
            node.trouble = 0;
            this.troubled.delete(node);
        }
    }

    private syncPeers(): void {
        const known = new Map(this.peers.map((peer) => [peerName(peer.feed.peer), peer]));
        this.peers = this.options
            .peers()
            .map((peer) => known.get(peerName(peer)) ?? newPeer(peer, this.options.network));
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
        const nowMs = this.options.clock.nowMs();
        const rankOf = ({ feed, leftUntilMs }: Peer) =>
            (leftUntilMs > nowMs ? 4 : 0) +
            (feed.all.has(id) ? 0 : 2) +
            (feed.peer.client.url === dispatcherUrl ? 0 : 1);
        const ways = this.peers
            .filter(({ feed }) => feed.peer.hub.equals(hub))
            .map((peer) => ({ url: peer.feed.peer.client.url, rank: rankOf(peer) }))
            .sort((a, b) => a.rank - b.rank)
            .map(({ url }) => url);
        return ways.length === 0 ? [dispatcherUrl] : ways;
    }

    /** A node that several hubs admit is used by way of the first that is not left; replicas of one hub share its nodes. */
    private reindex(hasChanged: boolean): void {
        const nowMs = this.options.clock.nowMs();
        const standing = this.peers.filter(({ leftUntilMs }) => leftUntilMs <= nowMs);
        const used = standing.some(({ trusted }) => trusted.size > 0) ? standing : this.peers;
        const names = used.map(({ feed }) => feed.peer.client.url).join(' ');
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
    private async checkPeer(peer: Peer): Promise<boolean> {
        const touched = await peer.feed.refresh();
        this.options.onReplicas?.(peer.feed.peer, peer.feed.replicas);
        if (peer.feed.draining) this.leaveDispatcher(peer.feed.peer.client.url, 'it is stopping', drainingMs);
        const version = this.options.view.current?.version;
        const due = peer.registryVersion === version ? this.dueOf(peer, touched) : [...peer.feed.all.keys()];
        peer.registryVersion = version;
        let hasChanged = false;
        for (const id of touched) if (!peer.feed.all.has(id)) hasChanged = drop(peer, id) || hasChanged;
        const queue = new PQueue({ concurrency: checksAtOnce });
        await queue.addAll(
            due.map((id) => async () => {
                const isOther = await this.checkRow(peer, peer.feed.all.get(id)!, touched.has(id));
                hasChanged = isOther || hasChanged;
            }),
        );
        return hasChanged;
    }

    /** Rows that are new, then those judged longest ago. */
    private dueOf({ feed, judgedAtMs, retry }: Peer, touched: ReadonlySet<string>): string[] {
        const nowMs = this.options.clock.nowMs();
        const fresh = [...touched].filter((id) => feed.all.has(id));
        const old = [...retry].filter((id) => !touched.has(id) && feed.all.has(id)).slice(0, maxRechecks / 2);
        // In the order they were judged in.
        for (const [id, atMs] of judgedAtMs) {
            if (nowMs - atMs < recheckMs || old.length >= maxRechecks) break;
            if (!touched.has(id) && feed.all.has(id)) old.push(id);
        }
        return [...fresh, ...old];
    }

    private async checkRow(peer: Peer, row: NodeRow, isNew: boolean): Promise<boolean> {
        const { feed, trusted: trustedHere, judgedAtMs } = peer;
        const id = row.nodeKey;
        if (this.banned.has(id)) return drop(peer, id);
        const before = this.evidenceById.get(id);
        const from = { dispatcherUrl: feed.peer.client.url, hub: feed.peer.hub };
        const checked = await this.options.verifier.check(row, from).catch((error: unknown) => {
            this.options.logger.warn({ node: id, reason: errorMessage(error) }, 'node not checked');
        });
        // The chain could not be asked about this one: what was found of it before holds for a while.
        if (checked === undefined) {
            peer.retry.add(id);
            return false;
        }
        const { trusted, evidence } = checked;
        this.keepEvidence(evidence);
        this.options.onVerdict?.(evidence.refusal?.code ?? 'accepted');
        if (evidence.refusal !== null && before?.refusal?.code !== evidence.refusal.code) {
            this.options.logger.warn({ node: evidence.nodeKey, ...evidence.refusal }, 'node refused');
        }
        if (trusted === null) {
            const wasTrusted = drop(peer, id);
            // To the end: others have their turn first.
            peer.retry.add(id);
            return wasTrusted;
        }
        peer.retry.delete(id);
        judgedAtMs.delete(id);
        judgedAtMs.set(id, this.options.clock.nowMs());
        const known = trustedHere.get(id);
        if (known === undefined || isNew) {
            trustedHere.set(id, trusted);
            return true;
        }
        // The same row: what it offers is the same, and the index, which holds this object, still serves.
        Object.assign(known, trusted);
        return false;
    }

    private keepEvidence(evidence: NodeEvidence): void {
        this.forgetEvidence(evidence.nodeKey);
        this.evidenceById.set(evidence.nodeKey, evidence);
        this.evidenceBytes += sizeOf(evidence);
        while (this.evidenceById.size > maxEvidence || this.evidenceBytes > maxEvidenceBytes)
            this.forgetEvidence(this.evidenceById.keys().next().value!);
    }

    private forgetEvidence(id: string): void {
        const known = this.evidenceById.get(id);
        if (known === undefined) return;
        this.evidenceById.delete(id);
        this.evidenceBytes -= sizeOf(known);
    }
}

function newPeer(peer: DispatcherPeer, network: Buffer): Peer {
    return {
        feed: new DispatcherFeed(peer, network),
        trusted: new Map(),
        judgedAtMs: new Map(),
        retry: new Set(),
        registryVersion: undefined,
        leftUntilMs: 0,
        leftFor: '',
    };
}

function peerName({ client, hub }: DispatcherPeer): string {
    return `${client.url} ${hub.toRawString()}`;
}

/** @returns whether it was trusted */
function drop({ trusted, judgedAtMs, retry }: Peer, id: string): boolean {
    judgedAtMs.delete(id);
    retry.delete(id);
    return trusted.delete(id);
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
