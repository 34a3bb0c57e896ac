import { createHash, hash } from 'node:crypto';
import { bytes32, writeUint32 } from './statement-fields';

/** Where a receipt or a cap counts: one epoch of one escrow of one network, and nowhere else. */
export interface ReceiptScope {
    /** account id (hash) of the registry, 32 bytes */
    network: Buffer;
    /** account id (hash) of the escrow, 32 bytes */
    escrow: Buffer;
    /** the escrow's current epoch, 32 bits */
    epoch: number;
}

/** SHA-256 over the concatenated parts; `node:crypto`, since this is on the path of every request. */
export function sha256(...parts: readonly Uint8Array[]): Buffer {
    const bytes = parts.reduce((sum, part) => sum + part.length, 0);
    if (bytes <= copiedBytes)
        return hash('sha256', parts.length === 1 ? parts[0]! : Buffer.concat(parts, bytes), 'buffer');
    const long = createHash('sha256');
    for (const part of parts) long.update(part);
    return long.digest();
}

/** A copy of so much takes less time than another call into the runtime. */
const copiedBytes = 8_192;

/**
 * tag | network:32 | escrow:32 | epoch:4, the 72 bytes that begin every statement about an escrow.
 * @throws StatementError when a field does not fit
 */
export function scopePrefix(tag: string, scope: ReceiptScope): Buffer {
    const prefix = Buffer.allocUnsafe(72);
    prefix.write(tag, 0, 4, 'latin1');
    bytes32('network', scope.network).copy(prefix, 4);
    bytes32('escrow', scope.escrow).copy(prefix, 36);
    writeUint32('epoch', scope.epoch, prefix, 68);
    return prefix;
}
