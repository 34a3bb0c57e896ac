import { createHash, createPublicKey, verify } from 'node:crypto';
import { Signature, verifyMessage } from 'ethers';
import { capDigest, receiptDigest, receiptReference } from '../../wrappers';

/** GET /cocoon/receipts/{id}, as far as these tests read it. */
export interface ReceiptAnswer {
    requestId: string;
    state: string;
    network: string;
    escrow: string;
    epoch: number;
    nodeKey: string;
    sessionKey: string;
    requestHash: string;
    offerHash: string;
    capCumulativeNano: string;
    capSignature: string;
    worstCaseNano: string;
    receipt: {
        sequence: number;
        costNano: string;
        cumulativeNano: string;
        reference: string;
        signature: string;
        usageHash: string;
        transcriptHash: string;
        usage: {
            salt: string;
            promptTokens: number;
            cachedPromptTokens: number;
            completionTokens: number;
            reasoningTokens: number;
            modelIndex: number;
        } | null;
    } | null;
}

/** Of GET /v1/models: nanoTON per million tokens. */
export interface Pricing {
    input: string;
    cached_input: string;
    output: string;
    reasoning: string;
}

type Final = NonNullable<ReceiptAnswer['receipt']>;

/** Checks a receipt with Node's own crypto: the node's signature, the client's cap, and that both are about this request. */
export function expectReceiptHolds(answer: ReceiptAnswer): void {
    const receipt = answer.receipt!;
    const about = scopeOf(answer);
    const amounts = {
        sequence: receipt.sequence,
        costNano: BigInt(receipt.costNano),
        cumulativeNano: BigInt(receipt.cumulativeNano),
    };
    const digest = receiptDigest({ ...about, ...amounts, reference: bytes(receipt.reference) });
    expect(nodeSigned(answer.nodeKey, digest, receipt.signature)).toBe(true);
    expect(
        nodeSigned(
            answer.nodeKey,
            receiptDigest({
                ...about,
                ...amounts,
                costNano: amounts.costNano + 1n,
                reference: bytes(receipt.reference),
            }),
            receipt.signature,
        ),
    ).toBe(false);
    const reference = receiptReference({
        requestHash: bytes(answer.requestHash),
        offerHash: bytes(answer.offerHash),
        usageHash: bytes(receipt.usageHash),
        transcriptHash: bytes(receipt.transcriptHash),
    });
    expect(reference.toString('hex')).toBe(receipt.reference);
    expectCapHolds(answer);
}

function expectCapHolds(answer: ReceiptAnswer): void {
    const cumulativeNano = BigInt(answer.capCumulativeNano);
    const cap = { ...scopeOf(answer), cumulativeNano, requestHash: bytes(answer.requestHash) };
    expect(signed(answer.sessionKey, capDigest(cap), answer.capSignature)).toBe(true);
}

/** The usage shown is the one that the receipt commits to, and the cost is what it comes to at these prices. */
export function expectCostFollows(receipt: Final, pricing: Pricing): void {
    const usage = receipt.usage!;
    const { promptTokens, cachedPromptTokens, completionTokens, reasoningTokens } = usage;
    const encoded = Buffer.alloc(49);
    bytes(usage.salt).copy(encoded);
    [promptTokens, cachedPromptTokens, completionTokens, reasoningTokens].forEach((count, place) =>
        encoded.writeUInt32BE(count, 32 + 4 * place),
    );
    encoded.writeUInt8(usage.modelIndex, 48);
    expect(createHash('sha256').update('CUsg').update(encoded).digest('hex')).toBe(receipt.usageHash);
    const millionths =
        BigInt(pricing.input) * BigInt(promptTokens - cachedPromptTokens) +
        BigInt(pricing.cached_input) * BigInt(cachedPromptTokens) +
        BigInt(pricing.output) * BigInt(completionTokens - reasoningTokens) +
        BigInt(pricing.reasoning) * BigInt(reasoningTokens);
    expect(BigInt(receipt.costNano)).toBe((millionths + 999_999n) / 1_000_000n);
}

function scopeOf({ network, escrow, epoch, nodeKey, sessionKey }: ReceiptAnswer) {
    return {
        network: bytes(network),
        escrow: bytes(escrow),
        epoch,
        nodeKey: bytes(nodeKey),
        sessionKey: bytes(sessionKey),
    };
}

/** A key that is a zero-extended address signs as Ethereum wallets do. */
function nodeSigned(nodeKey: string, digest: Buffer, signature: string): boolean {
    if (!nodeKey.startsWith('0'.repeat(24))) return signed(nodeKey, digest, signature);
    return verifyMessage(digest, Signature.from(`0x${signature}`)).toLowerCase() === `0x${nodeKey.slice(24)}`;
}

function signed(publicKey: string, digest: Buffer, signature: string): boolean {
    const spki = Buffer.concat([bytes('302a300506032b6570032100'), bytes(publicKey)]);
    return verify(null, digest, createPublicKey({ key: spki, format: 'der', type: 'spki' }), bytes(signature));
}

function bytes(hex: string): Buffer {
    return Buffer.from(hex, 'hex');
}
