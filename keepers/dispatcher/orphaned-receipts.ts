import type { Clock, Logger } from '../base';
import type { AnswerReceipt } from '../confidential';
import {
    type Admission,
    type CapBook,
    type ConnectedNode,
    decodeOrphan,
    type Orphan,
    type OrphanedRequest,
    requestOfOrphan,
    type RequestMessage,
    verifyOrphan,
} from '../dispatch';
import type { DispatchLedger } from '../ledger';
import type { DispatcherMetrics } from '../telemetry';

export interface OrphanedReceiptsOptions {
    network: Buffer;
    ledger: DispatchLedger;
    admission: Admission;
    caps: CapBook;
    metrics?: Pick<DispatcherMetrics, 'orphan'>;
    clock: Clock;
    logger: Logger;
}

/** Final receipts whose streams broke, which nodes send again: stored like any other, and only then acknowledged. */
export class OrphanedReceipts {
    constructor(private readonly options: OrphanedReceiptsOptions) {}

    async take(node: ConnectedNode, message: RequestMessage): Promise<void> {
        const { metrics, logger } = this.options;
        // A copy: the message may be part of a bundle.
        const requestId = Buffer.from(message.requestId);
        try {
            const orphan = decodeOrphan(message.rest);
            if (orphan === undefined || !(await this.store(node, requestId, orphan))) return;
            node.link.taken(requestId);
            metrics?.orphan('stored');
        } catch (error) {
            const reason = error instanceof Error ? error.message : 'unknown';
            metrics?.orphan('refused');
            logger.error({ reason, node: node.id }, 'an orphaned receipt was not accepted');
        }
    }

    private async store(node: ConnectedNode, requestId: Buffer, orphan: Orphan): Promise<boolean> {
        const { ledger } = this.options;
        const known = await ledger.requestState(requestId);
        if (known !== null && !known.nodeKey.equals(node.greeted.nodeKey)) return false;
        const { request, receipt } =
            known === null ? await this.adopt(node, requestId, orphan) : await this.verified(orphan, known);
        const outcome = await ledger.recordReceipt({
            requestId,
            escrow: request.escrow,
            epoch: request.epoch,
            receipt: receipt.receipt,
            signature: receipt.nodeSignature,
            usageHash: receipt.usageHash,
            transcriptHash: receipt.transcriptHash,
            final: true,
            receivedAtMs: this.options.clock.nowMs(),
        });
        if (outcome === 'contradicts') throw new Error('the node signed two histories');
        return true;
    }

    /** Not recorded here: its cap was passed on, and its commit was lost with this process or with the disk. */
    private async adopt(node: ConnectedNode, requestId: Buffer, orphan: Orphan) {
        const { network, admission } = this.options;
        const request = requestOfOrphan(orphan, { network, nodeKey: node.greeted.nodeKey });
        const verified = await this.verified(orphan, request, request.capCumulativeNano);
        await admission.recordOwed({ requestId, ...request }, verified.receipt.receipt.costNano);
        return verified;
    }

    private async verified(
        orphan: Orphan,
        request: OrphanedRequest,
        capNano = 0n,
    ): Promise<{ request: OrphanedRequest; receipt: AnswerReceipt }> {
        const { network, ledger, caps } = this.options;
        const storedNano = await ledger.highestCapNano(request);
        const { highestNano } = caps.raise(request, storedNano > capNano ? storedNano : capNano);
        return { request, receipt: verifyOrphan(orphan, request, { network, highestCapNano: highestNano }) };
    }
}
