import type { Clock } from '../base';
import { budgetLeftNano, type GatewayLedger } from '../ledger';
import type { ApiKey } from './api-key-file';
import type { GatewayHubs, HubAccount } from './gateway-hubs';
import { type ListedModel, listModels } from './listed-models';
import type { NodeDirectory } from './node-directory';
import type { ReceiptPage } from './receipt-page';
import { describeReceipt } from './receipt-view';
import type { NodeEvidence } from './trusted-node';

export interface GatewayViewOptions {
    network: Buffer;
    hubs: Pick<GatewayHubs, 'main' | 'all'>;
    ledger: GatewayLedger;
    directory: NodeDirectory;
    clock: Clock;
}

/** What a gateway shows of itself to those who may ask it: it changes nothing. */
export class GatewayView {
    constructor(private readonly options: GatewayViewOptions) {}

    /** nanoTON left of the key's tightest budget. */
    budgetLeft(key: ApiKey): bigint | undefined {
        const { ledger, clock } = this.options;
        return budgetLeftNano(key, ledger.keySpend(key.name, clock.nowMs()));
    }

    models(): ListedModel[] {
        return listModels(this.options.directory.trusted);
    }

    /** Every node that was seen, and of each that gets no requests why. */
    nodes(): object[] {
        const { directory } = this.options;
        return [...directory.evidence.values()].map(({ nodeKey, trusted, refusal, verdict, gpu, checkedAt }) => ({
            nodeKey,
            trusted,
            refusal,
            unused: directory.whyUnused(nodeKey),
            status: verdict !== null && 'status' in verdict ? verdict.status : null,
            // Those whose evidence held.
            gpus: gpu?.verdict === 'accepted' ? gpu.gpus.length : 0,
            checkedAt,
        }));
    }

    evidence(id: string): NodeEvidence | undefined {
        return this.options.directory.evidence.get(id);
    }

    /** Newest first; `next` is where the next page begins. */
    receipts(page: ReceiptPage): { receipts: object[]; next: string | null } {
        const requests = this.options.ledger.list(page);
        return {
            receipts: requests.map((request) => describeReceipt(request, this.options.network)),
            next: requests.length < page.limit ? null : requests.at(-1)!.id.toString(),
        };
    }

    receipt(requestId: Buffer): object | undefined {
        const request = this.options.ledger.request(requestId);
        return request === null ? undefined : describeReceipt(request, this.options.network);
    }

    readiness(): { ready: boolean; trustedNodes: number; problem: string | null } {
        const { directory } = this.options;
        return {
            ready: directory.trusted.length > 0,
            trustedNodes: directory.trusted.length,
            problem: directory.problem || null,
        };
    }

    /** The escrow at the first hub, and under `hubs` that of each. */
    async status(): Promise<object> {
        const { hubs, ledger } = this.options;
        const accounts = await Promise.all(hubs.all().map((account) => describeAccount(account)));
        const main = hubs.main?.hub.toRawString();
        const totals = ledger.totals();
        return {
            ...(accounts.find(({ hub }) => hub === main) ?? accounts[0]),
            hubs: accounts,
            spentNano: totals.costNano.toString(),
            reservedNano: totals.openNano.toString(),
            requests: totals.requests,
            ...this.readiness(),
        };
    }
}

async function describeAccount({ hub, escrow, book }: HubAccount) {
    const account = await book.get(escrow);
    return {
        hub: hub.toRawString(),
        escrow: `0:${escrow.toString('hex')}`,
        status: account?.status ?? 'unknown',
        epoch: account?.epoch ?? null,
        balanceNano: account?.balanceNano.toString() ?? null,
    };
}
