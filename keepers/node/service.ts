import type { GpuDocument } from '../attestation';
import { type Clock, type Logger } from '../base';
import { type KemKeyring, type Signer, signHello } from '../confidential';
import type { Challenge } from '../dispatch';
import type { NodeLog } from '../ledger';
import type { NodeMetrics } from '../telemetry';
import { DispatcherLinks, type DispatcherPlace, type LinkState, type PlacedLink } from './dispatcher-links';
import type { EarningsTally } from './earnings-tally';
import type { Engine } from './engine';
import { EngineWatch } from './engine-watch';
import { NodeRefusal } from './errors';
import type { OfferBook } from './offers';
import { Orphanage } from './orphanage';
import { RequestDesk } from './request-desk';
import type { RequestGate } from './request-gate';

/** Bundle, quote (or SEV-SNP report) and certificate of the report's key in base64, the rest of its chain in PEM. */
export interface ShownEvidence {
    bundle: string;
    quote: string;
    /** Of the GPUs that the bundle names. */
    gpuEvidence?: GpuDocument;
    snp?: { vek: string; chain: string };
}

export interface NodeServiceOptions {
    network: Buffer;
    /** Of one hub or several; replicas of these that they name are dialled too. */
    dispatchers: readonly DispatcherPlace[];
    signer: Signer;
    /** What the hello carries besides signatures, ready for JSON. */
    evidence: ShownEvidence & { collateral: Record<string, string> | null };
    keyring: KemKeyring;
    offers: OfferBook;
    gate: RequestGate;
    engine: Engine;
    log: NodeLog;
    tally?: Pick<EarningsTally, 'add'>;
    metrics?: NodeMetrics;
    clock: Clock;
    logger: Logger;
    /** How long an answer stands still for a raised cap. */
    raiseTimeoutMs?: number;
    /** How long a request whose connection broke works on, for another replica to take it over. */
    resumeGraceMs?: number;
}

/** Since the start; counts only. */
export interface NodeActivity {
    answered: number;
    /** By refusal code. */
    refused: Record<string, number>;
    lastAtMs: number | null;
    /** Why no dispatcher is connected. */
    problem: string | null;
}

const housekeepingMs = 5_000;
const loadIntervalMs = 500;

/** Serves the sealed requests that dispatchers relay, and shows them what gateways need to know of this node. */
export class NodeService {
    private readonly links: DispatcherLinks;
    private readonly desk: RequestDesk;
    private readonly orphans = new Orphanage();
    private readonly engineWatch: EngineWatch;
    private timers: NodeJS.Timeout[] = [];
    private draining = false;
    private broken = false;
    private logTrouble: string | null = null;
    private toldLoad = '';

    private evidence: NodeServiceOptions['evidence'];

    constructor(private readonly options: NodeServiceOptions) {
        this.evidence = options.evidence;
        this.engineWatch = new EngineWatch(options);
        this.desk = new RequestDesk({
            ...options,
            notReady: () => this.notReady(),
            onFinal: (request, final, hub) => this.orphans.add(request, final, hub),
            onUnkept: () => this.giveUp(),
        });
        this.links = new DispatcherLinks({
            hello: (challenge) => this.hello(challenge),
            onRequest: (envelope, from) => this.desk.begin(envelope, from),
            onResume: (envelope, from) => this.desk.resume(envelope, from),
            onCancel: (requestId, from) => this.desk.cancel(requestId, from),
            onRaise: (requestId, raise) => void this.desk.raise(requestId, raise),
            onTaken: (requestId, { place }) => this.orphans.taken(requestId, place.hub),
            onConnected: (to) => this.onConnected(to),
            onDisconnected: (from) => this.desk.disconnected(from),
            logger: options.logger,
            clock: options.clock,
        });
        for (const place of options.dispatchers) this.links.add(place);
    }

    async start(): Promise<void> {
        await this.options.keyring.tick();
        this.options.offers.renewIfDue();
        this.engineWatch.start();
        this.links.start();
        this.timers = [
            setInterval(() => this.keepHouse(), housekeepingMs),
            setInterval(() => this.tellLoad(), loadIntervalMs),
        ];
    }

    /** One more hub's dispatcher, from now on. */
    dial(place: DispatcherPlace): void {
        this.links.add(place);
    }

    get connected(): boolean {
        return this.links.connected;
    }

    /** Of every connection, those to learned replicas too. */
    get dispatchers(): LinkState[] {
        return this.links.states;
    }

    get inFlight(): number {
        return this.desk.inFlight;
    }

    /** Null while requests are begun; else why not. */
    get engineProblem(): string | null {
        return this.engineWatch.refusal?.message ?? null;
    }

    /** Whether new requests are refused; those under way go on. */
    setDraining(draining: boolean): void {
        this.draining = draining || this.broken;
    }

    /**
     * Why receipts can't be written to the node's log; null once they can. Meanwhile nothing is begun, and whoever waits for
     * an answer hears at once that none comes: its receipt follows when there is room for it.
     */
    setLogTrouble(trouble: string | null): void {
        const isNew = this.logTrouble === null;
        this.logTrouble = trouble;
        if (trouble === null) return this.options.logger.info('receipts can be kept again');
        if (!isNew) return;
        this.options.logger.error({ err: trouble }, 'receipts cannot be kept: the node serves nobody until they can');
        this.links.drop();
    }

    /** Why answers can't be signed and logged, null while they can. */
    get receiptProblem(): string | null {
        return this.broken ? 'an answer could not be signed: restart the node' : this.logTrouble;
    }

    get activity(): NodeActivity {
        const problem = this.connected ? null : (this.dispatchers.find((one) => one.problem !== null)?.problem ?? null);
        return { ...this.desk.activity, problem };
    }

    /** The offer changed before its time: sign it anew and show it at once. */
    publishOffer(): void {
        if (this.options.offers.renewIfDue()) this.links.update(this.update());
    }

    /** No new requests; those under way end, until `graceMs` has passed and they are cancelled. */
    async stop(graceMs: number): Promise<void> {
        this.draining = true;
        for (const timer of this.timers) clearInterval(timer);
        this.engineWatch.stop();
        await this.desk.finish(graceMs);
        await this.links.stop();
        this.options.keyring.close();
    }

    /** The same key, attested anew: shown to the dispatcher at once, and in every hello from now on. */
    replaceEvidence(evidence: ShownEvidence): void {
        this.evidence = { ...this.evidence, ...evidence };
        this.links.update({ ...this.update(), evidence });
    }

    private notReady(): NodeRefusal | undefined {
        if (this.draining) return new NodeRefusal('node_draining', 'the node is stopping');
        if (this.logTrouble !== null) return new NodeRefusal('node_busy', 'receipts cannot be kept at the moment');
        return this.engineWatch.refusal;
    }

    private hello(challenge: Challenge): object | string {
        const { network, signer } = this.options;
        if (!challenge.network.equals(network)) return 'another network or hub';
        if (this.logTrouble !== null) return 'receipts cannot be kept at the moment';
        return {
            nodeKey: signer.publicKey.toString('hex'),
            ...this.evidence,
            ...this.terms(),
            signature: signHello(challenge, signer).toString('base64'),
        };
    }

    private terms(): { kemCertificates: string[]; offer: string } {
        return {
            kemCertificates: this.options.keyring.certificates().map(({ signed }) => signed.toString('base64')),
            offer: this.options.offers.current.signed.toString('base64'),
        };
    }

    private keepHouse(): void {
        this.housekeeping().catch((error: unknown) =>
            this.options.logger.error({ err: error }, 'keys or offer could not be renewed'),
        );
    }

    private async housekeeping(): Promise<void> {
        const rotated = await this.options.keyring.tick();
        const renewed = this.options.offers.renewIfDue();
        if (rotated || renewed) this.links.update(this.update());
        this.desk.keepHouse();
        this.sendOrphans();
    }

    private update() {
        return { ...this.terms(), inFlight: this.desk.inFlight, queued: this.desk.waiting };
    }

    /** A replica sees what went through it alone. */
    private tellLoad(): void {
        const { inFlight, waiting } = this.desk;
        const load = `${inFlight} ${waiting}`;
        if (load === this.toldLoad) return;
        this.toldLoad = load;
        this.links.tellLoad({ inFlight: inFlight - waiting, waiting });
    }

    private onConnected({ place }: PlacedLink): void {
        this.options.logger.info({ dispatcher: place.url }, 'connected to the dispatcher');
        this.toldLoad = '';
        this.sendOrphans();
    }

    /** Replicas of one hub share their ledger, so any of them may take a receipt. */
    private sendOrphans(): void {
        for (const { requestId, orphan, hub } of this.orphans.all)
            this.links.forHub(hub)?.sendOrphan(requestId, orphan);
    }

    /** Without receipts signed the node must not go on as if it were paid, nor keep anyone waiting. */
    private async giveUp(): Promise<void> {
        this.draining = this.broken = true;
        await this.links.stop();
    }
}
