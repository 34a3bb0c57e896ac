import { capDigest, checkReceiptSignature, type ReceiptTail } from '../../../wrappers';
import { verifySignature } from '../../../keepers/confidential';
import type { SignedCap } from '../../../keepers/ledger';

/** One node's account with one escrow in one epoch, all in hex, as map keys. */
export type StreamKey = `${string}/${number}/${string}`;

/** A receipt as one of the parties keeps it; what it claims counts only once its signature was checked. */
export interface KeptReceipt {
    escrow: Buffer;
    epoch: number;
    receipt: ReceiptTail;
    signature: Buffer;
    final: boolean;
    /** The cap it was earned under, where the party keeps it with the receipt. */
    cap: SignedCap | null;
    /** Who keeps it, for messages. */
    keeper: string;
}

export function streamOf({ escrow, epoch, receipt }: Pick<KeptReceipt, 'escrow' | 'epoch' | 'receipt'>): StreamKey {
    return `${escrow.toString('hex')}/${epoch}/${receipt.nodeKey.toString('hex')}`;
}

/** What is wrong with the signatures, undefined when both hold. */
export function badSignature(kept: KeptReceipt, network: Buffer): string | undefined {
    const { escrow, epoch, receipt, signature, cap } = kept;
    try {
        checkReceiptSignature({ network, escrow, epoch, ...receipt }, signature);
    } catch (error) {
        return `receipt: ${String(error)}`;
    }
    return cap === null || isCapSigned({ network, escrow, epoch, nodeKey: receipt.nodeKey }, cap)
        ? undefined
        : 'cap: not signed by its session key';
}

export function isCapSigned(
    scope: { network: Buffer; escrow: Buffer; epoch: number; nodeKey: Buffer },
    { sessionKey, requestHash, capCumulativeNano, capSignature }: SignedCap,
): boolean {
    const digest = capDigest({ ...scope, cumulativeNano: capCumulativeNano, requestHash });
    return verifySignature({ publicKey: sessionKey, digest, signature: capSignature });
}
