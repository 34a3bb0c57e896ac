import { request } from 'undici';
import { z } from 'zod';
import { verifyNodeSignature } from '../../confidential';
import { receiptDigest, receiptReference } from '../../../wrappers';
import { DevnetError } from '../errors';

const hex = z
    .string()
    .regex(/^[0-9a-f]*$/)
    .transform((text) => Buffer.from(text, 'hex'));
const nano = z.string().transform(BigInt);

const receiptSchema = z.object({
    requestId: z.string(),
    network: hex,
    escrow: hex,
    epoch: z.number(),
    nodeKey: hex,
    sessionKey: hex,
    requestHash: hex,
    offerHash: hex,
    receipt: z.object({
        sequence: z.number(),
        costNano: nano,
        cumulativeNano: nano,
        reference: hex,
        signature: hex,
        usageHash: hex,
        transcriptHash: hex,
    }),
});

export interface CheckedReceipt {
    requestId: string;
    nodeKey: string;
    costNano: bigint;
    cumulativeNano: bigint;
}

/** Fetches a receipt from the gateway and checks it as anyone could: signature, and that it is about this request. */
export async function checkReceipt(gatewayUrl: string, requestId: string): Promise<CheckedReceipt> {
    const { body } = await request(`${gatewayUrl}/cocoon/receipts/${requestId}`);
    const { receipt, ...about } = receiptSchema.parse(await body.json());
    const reference = receiptReference({
        ...about,
        usageHash: receipt.usageHash,
        transcriptHash: receipt.transcriptHash,
    });
    const digest = receiptDigest({ ...about, ...receipt });
    const signed = verifyNodeSignature({ publicKey: about.nodeKey, digest, signature: receipt.signature });
    if (!signed || !reference.equals(receipt.reference))
        throw new DevnetError('demo_failed', `the receipt of request ${requestId} does not hold`);
    return {
        requestId,
        nodeKey: about.nodeKey.toString('hex'),
        costNano: receipt.costNano,
        cumulativeNano: receipt.cumulativeNano,
    };
}
