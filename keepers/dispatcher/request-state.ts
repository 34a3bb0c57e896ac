import { encodeReceiptTail } from '../../wrappers';
import type { DispatchLedger, StoredReceipt } from '../ledger';

/** What is known of one request, for gateways that missed its end. */
export async function requestState(ledger: Pick<DispatchLedger, 'requestState'>, requestId: Buffer): Promise<object> {
    const request = await ledger.requestState(requestId);
    if (request === null) return { state: 'unknown' };
    return {
        state: request.state,
        receipt: describeReceipt(request.receipt),
        checkpoint: describeReceipt(request.checkpoint),
    };
}

function describeReceipt(stored: StoredReceipt | null): object | null {
    if (stored === null) return null;
    const payload = Buffer.concat([
        encodeReceiptTail(stored.receipt),
        stored.signature,
        stored.usageHash,
        stored.transcriptHash,
    ]);
    return { costNano: stored.receipt.costNano.toString(), payload: payload.toString('base64') };
}
