import {
    decodeReceiptTail,
    encodeReceiptTail,
    type Receipt,
    receiptDigest,
    receiptReference,
    receiptTailBytes,
} from '../../wrappers/receipt';
import { type ParsedEnvelope } from './envelope';
import { ConfidentialError, misuse } from './errors';
import { type RequestContext } from './request-context';
import { signatureBytes, type Signer, verifyNodeSignature } from './signing';

/** Everything that a receipt about one request must agree with. */
export interface AnswerBinding {
    network: Buffer;
    escrow: Buffer;
    epoch: number;
    nodeKey: Buffer;
    sessionKey: Buffer;
    requestHash: Buffer;
    offerHash: Buffer;
    /**
     * The highest cap that the session has signed for this node in this epoch: requests interleave, so the sum of one
     * that ends late may rest on a later one's cap. Read whenever a receipt is signed or checked; see `withLiveCap`.
     */
    readonly capCumulativeNano: bigint;
}

/** How dispatcher and node know the binding. */
export function bindingOfEnvelope(envelope: ParsedEnvelope): AnswerBinding {
    const { context, requestHash, sessionKey, cap } = envelope;
    return binding(context, { requestHash, sessionKey, capCumulativeNano: cap.cumulativeNano });
}

/** How the gateway knows it. Copies, so that nothing holds on to a large envelope. */
export function binding(
    context: RequestContext,
    rest: Pick<AnswerBinding, 'requestHash' | 'sessionKey' | 'capCumulativeNano'>,
): AnswerBinding {
    return {
        network: Buffer.from(context.network),
        escrow: Buffer.from(context.escrow),
        epoch: context.epoch,
        nodeKey: Buffer.from(context.nodeKey),
        offerHash: Buffer.from(context.offerHash),
        sessionKey: Buffer.from(rest.sessionKey),
        requestHash: Buffer.from(rest.requestHash),
        capCumulativeNano: rest.capCumulativeNano,
    };
}

/** The same binding, asking for the highest cap each time it is needed. */
export function withLiveCap(to: AnswerBinding, highestCapNano: () => bigint): AnswerBinding {
    return Object.defineProperty({ ...to }, 'capCumulativeNano', { get: highestCapNano, enumerable: true });
}

/** ReceiptTail | signature | usage_hash | T: payload of a checkpoint, and a final payload without its seal. */
export const receiptPayloadBytes = receiptTailBytes + signatureBytes + 64;

export interface AnswerReceipt {
    receipt: Receipt;
    nodeSignature: Buffer;
    usageHash: Buffer;
    transcriptHash: Buffer;
    /** the bytes that all this was encoded to: `receiptPayloadBytes` */
    payload: Buffer;
}

export interface ReceiptAmounts {
    sequence: number;
    costNano: bigint;
    cumulativeNano: bigint;
}

export function signAnswerReceipt(
    to: AnswerBinding,
    amounts: ReceiptAmounts,
    hashes: { usageHash: Buffer; transcriptHash: Buffer },
    signer: Signer,
): AnswerReceipt {
    if (amounts.cumulativeNano > to.capCumulativeNano || amounts.costNano > amounts.cumulativeNano) {
        throw misuse('a receipt must stay within the cap, and its cost within its sum');
    }
    const reference = receiptReference({ requestHash: to.requestHash, offerHash: to.offerHash, ...hashes });
    const { network, escrow, epoch, nodeKey, sessionKey } = to;
    const { sequence, costNano, cumulativeNano } = amounts;
    const receipt = { network, escrow, epoch, nodeKey, sessionKey, sequence, costNano, cumulativeNano, reference };
    const nodeSignature = signer.sign(receiptDigest(receipt));
    const payload = Buffer.concat([encodeReceiptTail(receipt), nodeSignature, hashes.usageHash, hashes.transcriptHash]);
    return { receipt, nodeSignature, ...hashes, payload };
}

/**
 * Checks what needs no key: parties, reference, cap and signature. The transcript is compared by whoever saw the stream;
 * without one (an orphan whose stream broke) the reference still ties it to the request.
 */
export function verifyAnswerReceipt(to: AnswerBinding, bytes: Buffer, transcript?: Buffer): AnswerReceipt {
    if (bytes.length !== receiptPayloadBytes) throw invalid('it has a wrong length');
    const payload = Buffer.from(bytes);
    const { network, escrow, epoch } = to;
    const receipt: Receipt = { network, escrow, epoch, ...decodeReceiptTail(payload.subarray(0, receiptTailBytes)) };
    const nodeSignature = payload.subarray(receiptTailBytes, receiptTailBytes + signatureBytes);
    const usageHash = payload.subarray(receiptPayloadBytes - 64, receiptPayloadBytes - 32);
    const transcriptHash = payload.subarray(receiptPayloadBytes - 32);
    checkParties(to, receipt);
    if (transcript && !transcript.equals(transcriptHash)) throw invalid('it is about another transcript');
    const hashes = { requestHash: to.requestHash, offerHash: to.offerHash, usageHash, transcriptHash };
    if (!receipt.reference.equals(receiptReference(hashes))) throw invalid('its reference is about something else');
    checkAmounts(to, receipt);
    if (!verifyNodeSignature({ publicKey: to.nodeKey, digest: receiptDigest(receipt), signature: nodeSignature })) {
        throw invalid('it is not signed by the node');
    }
    return { receipt, nodeSignature, usageHash, transcriptHash, payload };
}

function checkParties(to: AnswerBinding, receipt: Receipt): void {
    if (!receipt.nodeKey.equals(to.nodeKey)) throw invalid('it names another node');
    if (!receipt.sessionKey.equals(to.sessionKey)) throw invalid('it names another session');
}

function checkAmounts(to: AnswerBinding, receipt: Receipt): void {
    if (receipt.costNano > receipt.cumulativeNano) throw invalid('its cost is above its sum');
    if (receipt.cumulativeNano <= to.capCumulativeNano) return;
    throw new ConfidentialError('receipt_above_cap', 'the receipt claims more than the cap allows');
}

/** Receipts of one stream only go up: sequence always, amounts never down. */
export function checkReceiptOrder(earlier: Receipt, later: Receipt): void {
    if (later.sequence <= earlier.sequence) throw invalid('its sequence does not go up');
    if (later.costNano < earlier.costNano) throw invalid('its cost goes down');
    if (later.cumulativeNano < earlier.cumulativeNano) throw invalid('its sum goes down');
}

function invalid(problem: string): ConfidentialError {
    return new ConfidentialError('receipt_invalid', `receipt: ${problem}`);
}
