import type { GatewayRequest } from '../ledger';

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
        receipt: final && {
            sequence: final.receipt.sequence,
            costNano: final.receipt.costNano.toString(),
            cumulativeNano: final.receipt.cumulativeNano.toString(),
            reference: final.receipt.reference.toString('hex'),
            signature: final.signature.toString('hex'),
            usageHash: final.usageHash.toString('hex'),
            transcriptHash: final.transcriptHash.toString('hex'),
            usage: final.usage && { ...final.usage, salt: final.usage.salt.toString('hex') },
        },
    };
}
