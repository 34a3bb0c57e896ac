import { ReceiptScope, scopePrefix, sha256 } from './digest';
import { bytes32, writeUint96 } from './statement-fields';

/** What a client's session key signs before a node may work: at most this much, for this node and this request. */
export interface Cap extends ReceiptScope {
    /** key of the only node that may use the cap, 32 bytes */
    nodeKey: Buffer;
    /** nanoTON, counted from the beginning of the epoch; caps for a node never fall */
    cumulativeNano: bigint;
    /** `h` of the request, 32 bytes */
    requestHash: Buffer;
}

/**
 * The 32 bytes that the session key signs: SHA256("CCap" | scope | node_key:32 | cumulative:12 | request_hash:32).
 * @throws StatementError when a field does not fit
 */
export function capDigest(cap: Cap): Buffer {
    const tail = Buffer.allocUnsafe(76);
    bytes32('nodeKey', cap.nodeKey).copy(tail, 0);
    writeUint96('cumulativeNano', cap.cumulativeNano, tail, 32);
    bytes32('requestHash', cap.requestHash).copy(tail, 44);
    return sha256(scopePrefix('CCap', cap), tail);
}
