import { type ChaosNetwork, gatewayNames, nodeNames } from '../chaos-network';
import { booksOfDispatcher, type DispatcherBooks, receiptsOfNodeLog } from './collect-receipts';
import type { Findings } from './findings';
import { answersOfGateway, type GatewayAnswer } from './gateway-answers';
import type { KeptReceipt } from './statements';

/** What the parties have kept or had kept when it was last looked: keepers delete what is old, an audit forgets nothing. */
export class Archive {
    readonly gateways = new Map<string, Map<string, GatewayAnswer>>();
    private readonly finals = new Map<string, KeptReceipt>();
    private readonly logged = new Map<string, KeptReceipt>();
    private books: DispatcherBooks | undefined;

    async collect(network: ChaosNetwork): Promise<void> {
        for (const name of gatewayNames) {
            const known = this.gateways.get(name) ?? new Map<string, GatewayAnswer>();
            for (const [id, answer] of await answersOfGateway(network.local.process(name).url)) known.set(id, answer);
            this.gateways.set(name, known);
        }
        for (const name of nodeNames)
            for (const kept of await receiptsOfNodeLog(network.nodeLog(name))) put(this.logged, kept);
        this.books = await booksOfDispatcher(network.dispatcherLedger);
        for (const kept of this.books.finals) put(this.finals, kept);
    }

    get nodeLogs(): KeptReceipt[] {
        return [...this.logged.values()];
    }

    /** With what the dispatcher had before. */
    get dispatcher(): DispatcherBooks {
        return { ...this.books!, finals: [...this.finals.values()] };
    }

    /** Receipts that the dispatcher has deleted since they were seen. */
    get deleted(): number {
        return this.finals.size - (this.books?.finals.length ?? 0);
    }

    /** What the dispatcher says that it ever had is what was seen. */
    auditTotals(findings: Findings): void {
        const { finalReceipts, costNano } = this.books!.totals;
        const costs = [...this.finals.values()].map(({ receipt }) => receipt.costNano);
        const counted = { is: BigInt(finalReceipts), shouldBe: BigInt(costs.length) };
        findings.equal('totals outlive receipts', 'the number of final receipts', counted);
        const shouldBe = costs.reduce((sum, nano) => sum + nano, 0n);
        findings.equal('totals outlive receipts', 'what final receipts cost', { is: costNano, shouldBe });
    }
}

/** A final one stays in the place of the same as a checkpoint. */
function put(known: Map<string, KeptReceipt>, kept: KeptReceipt): void {
    const signature = kept.signature.toString('hex');
    if (known.get(signature)?.final !== true) known.set(signature, kept);
}
