import type { GatewayReceipt, GatewayRequest } from '../ledger';

/** A request and its receipt with everything that is needed to verify it offline (docs/protocol.md, "Statements"). */
export function describeReceipt(request: GatewayRequest, network: Buffer): object {
    const { final } = request;
    return {
        requestId: request.requestId.toString('hex'),
        state: request.state,
        failureCode: request.failureCode,
        model: request.model,
        apiKey: request.keyName,
        network: network.toString('hex'),
        escrow: request.escrow.toString('hex'),
        epoch: request.epoch,
        nodeKey: request.nodeKey.toString('hex'),
        sessionKey: request.sessionKey.toString('hex'),
        requestHash: request.requestHash?.toString('hex') ?? null,
        offerHash: request.offerHash?.toString('hex') ?? null,
        offer: request.signedOffer?.toString('base64') ?? null,
        capCumulativeNano: request.capCumulativeNano.toString(),
        windowNano: request.windowNano?.toString() ?? null,
        capSignature: request.capSignature?.toString('hex') ?? null,
        worstCaseNano: request.worstCaseNano.toString(),
        reservedAt: new Date(request.reservedAtMs).toISOString(),
        receipt: final && receiptView(final),
        // What is owed at least, while the answer's end is not known.
        checkpoint: request.checkpoint && receiptView(request.checkpoint),
    };
}

function receiptView({ receipt, signature, usageHash, transcriptHash, usage }: GatewayReceipt): object {
    return {
        sequence: receipt.sequence,
        costNano: receipt.costNano.toString(),
        cumulativeNano: receipt.cumulativeNano.toString(),
        reference: receipt.reference.toString('hex'),
        signature: signature.toString('hex'),
        usageHash: usageHash.toString('hex'),
        transcriptHash: transcriptHash.toString('hex'),
        usage: usage && { ...usage, salt: usage.salt.toString('hex') },
    };
}
