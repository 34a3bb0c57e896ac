import type { GreetedNode, NodeTerms } from './hello';
import type { Hello } from './link-messages';
import type { NodeLink } from './node-link';
import { NodeLoad } from './node-load';
import { WorkQueue } from './work-queue';

/** A node as the dispatcher knows it while it is connected. */
export class ConnectedNode {
    readonly load = new NodeLoad();
    readonly queue: WorkQueue;
    link!: NodeLink;
    terms: NodeTerms;

    constructor(
        readonly greeted: GreetedNode,
        private readonly hello: Hello,
        maxWaiting: number,
        private readonly connectedAtMs: number,
    ) {
        this.terms = greeted;
        this.queue = new WorkQueue(greeted.offer.maxConcurrency, maxWaiting);
    }

    get id(): string {
        return this.greeted.nodeKey.toString('hex');
    }

    accept(terms: NodeTerms): void {
        this.terms = terms;
        this.queue.concurrency = terms.offer.maxConcurrency;
    }

    /** The node's row in the directory (docs/protocol.md). */
    describe(): object {
        const { hello, terms, load } = this;
        return {
            nodeKey: this.id,
            bundle: hello.bundle.toString('base64'),
            quote: hello.quote.toString('base64'),
            collateral: hello.collateral,
            kemCertificates: terms.kemCertificates.map((certificate) => certificate.signed.toString('base64')),
            offer: terms.offer.signed.toString('base64'),
            connectedAtMs: this.connectedAtMs,
            load: {
                inFlight: this.link.inFlight,
                queued: this.queue.waiting,
                maxConcurrency: terms.offer.maxConcurrency,
                firstFrameMsP50: load.firstFrameMsP50,
                failureShare: load.failureShare,
            },
        };
    }
}
