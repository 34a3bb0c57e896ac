import { verifyNodeSignature, verifySignature } from '../confidential';
import type { Settleable } from '../ledger';
import { capDigest, receiptDigest } from '../../wrappers';
import { streamKey } from './receipt-sources';

/**
 * Whether hub and escrow will believe a line, checked here first: a line that they pass over costs gas all the same.
 * Remembers what it found, since the same lines are looked at round after round.
 */
export class LineSignatures {
    private readonly known = new Map<string, { signatures: string; isGood: boolean }>();

    /** @param network account id of the registry, 32 bytes */
    constructor(private readonly network: Buffer) {}

    isGood(settleable: Settleable): boolean {
        const { signature, cap } = settleable;
        const key = streamKey(settleable);
        const signatures = Buffer.concat([signature, cap.capSignature]).toString('latin1');
        const known = this.known.get(key);
        if (known?.signatures === signatures) return known.isGood;
        const isGood = this.check(settleable);
        this.known.set(key, { signatures, isGood });
        return isGood;
    }

    /** Forgets streams that are not among these: their epochs are over, or they are paid and gone from the ledger. */
    keepOnly(settleables: readonly Settleable[]): void {
        const kept = new Set(settleables.map(streamKey));
        for (const key of this.known.keys()) if (!kept.has(key)) this.known.delete(key);
    }

    private check({ escrow, epoch, receipt, signature, cap }: Settleable): boolean {
        const { nodeKey, sessionKey } = receipt;
        const scope = { network: this.network, escrow, epoch };
        const { capCumulativeNano: cumulativeNano, requestHash, capSignature } = cap;
        const capOf = capDigest({ ...scope, nodeKey, cumulativeNano, requestHash });
        return (
            verifyNodeSignature({ publicKey: nodeKey, digest: receiptDigest({ ...scope, ...receipt }), signature }) &&
            verifySignature({ publicKey: sessionKey, digest: capOf, signature: capSignature })
        );
    }
}
