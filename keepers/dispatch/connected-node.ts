import type { GreetedNode, NodeTerms } from './hello';
import type { BorneLoad, Hello } from './link-messages';
import type { NodeLink } from './node-link';
import { NodeLoad } from './node-load';
import { WorkQueue } from './work-queue';

type ShownEvidence = Pick<Hello, 'bundle' | 'quote' | 'snp' | 'gpuEvidence'>;

/** A node as the dispatcher knows it while it is connected. */
export class ConnectedNode {
    readonly load = new NodeLoad();
    readonly queue: WorkQueue;
    link!: NodeLink;
    /** By way of other replicas too, as the node says. */
    borne: BorneLoad = { inFlight: 0, waiting: 0 };
    private readonly collateral: Hello['collateral'];
    terms: NodeTerms;
    /** As the node gave it, or as the directory shows it. */
    private evidence: ShownEvidence | Buffer;

    constructor(
        readonly greeted: GreetedNode,
        hello: Hello,
        maxWaiting: number,
        private readonly connectedAtMs: number,
    ) {
        this.terms = greeted;
        this.evidence = hello;
        this.collateral = hello.collateral;
        this.queue = new WorkQueue(greeted.offer.maxConcurrency, maxWaiting);
    }

    get id(): string {
        return this.greeted.nodeKey.toString('hex');
    }

    accept(terms: NodeTerms, evidence?: ShownEvidence): void {
        this.terms = terms;
        this.evidence = evidence ?? this.evidence;
        this.queue.concurrency = terms.offer.maxConcurrency;
    }

    /** In-flight, queued, most at once, median first frame in ms, share of failures. */
    loadRow(): readonly [number, number, number, number | null, number] {
        const { terms, load } = this;
        // Three digits: what differs by less is the same to whoever picks.
        const failureShare = Math.round(load.failureShare * 1_000) / 1_000;
        return [this.inFlight, this.waiting, terms.offer.maxConcurrency, load.firstFrameMsP50, failureShare];
    }

    private get inFlight(): number {
        return Math.max(this.link.inFlight, this.borne.inFlight);
    }

    /** Here, and at the node itself. */
    private get waiting(): number {
        return this.queue.waiting + this.borne.waiting;
    }

    /**
     * The node's row in the directory (docs/protocol.md), in JSON. Evidence is large and rarely changes: its part is rendered
     * once, when somebody first asks.
     */
    directoryRow(): Buffer {
        const { terms, load } = this;
        const rest = JSON.stringify({
            kemCertificates: terms.kemCertificates.map((certificate) => certificate.signed.toString('base64')),
            offer: terms.offer.signed.toString('base64'),
            connectedAtMs: this.connectedAtMs,
            load: {
                inFlight: this.inFlight,
                queued: this.waiting,
                maxConcurrency: terms.offer.maxConcurrency,
                firstFrameMsP50: load.firstFrameMsP50,
                failureShare: load.failureShare,
            },
        });
        return Buffer.concat([this.evidenceJson(), Buffer.from(`,${rest.slice(1)}`)]);
    }

    /** An object without its end. */
    private evidenceJson(): Buffer {
        if (Buffer.isBuffer(this.evidence)) return this.evidence;
        const { bundle, quote, snp, gpuEvidence } = this.evidence;
        const shown = JSON.stringify({
            nodeKey: this.id,
            bundle: bundle.toString('base64'),
            quote: quote.toString('base64'),
            ...(snp && { snp: { ...snp, vek: snp.vek.toString('base64') } }),
            collateral: this.collateral,
            ...(gpuEvidence && { gpuEvidence }),
        });
        // In place of what it was made of, which nothing else needs.
        return (this.evidence = Buffer.from(shown.slice(0, -1)));
    }
}
