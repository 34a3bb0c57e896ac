import type { ReceiptTail } from '../../wrappers';
import { LedgerError } from './errors';

/** One node's account with one escrow in one epoch: the unit that receipts, caps and payments accumulate in. */
export interface StreamId {
    /** Account id of the escrow, 32 bytes. */
    escrow: Buffer;
    epoch: number;
    nodeKey: Buffer;
}

/** A receipt and the node's signature over its digest in one escrow and epoch. */
export interface SignedReceipt {
    escrow: Buffer;
    epoch: number;
    receipt: ReceiptTail;
    signature: Buffer;
}

/** What a client's session key signed for one request. */
export interface SignedCap {
    sessionKey: Buffer;
    requestHash: Buffer;
    capCumulativeNano: bigint;
    capSignature: Buffer;
}

/** What the chain said about one escrow at one moment; balance and paid sums must come from the same block. */
export interface EscrowFunds {
    balanceNano: bigint;
    /** Paid so far in this epoch by node key in hex; a missing node was paid nothing. */
    paidNano: ReadonlyMap<string, bigint>;
}

/** SQLite integers end here: 9.2 billion TON, above the supply. */
const maxStoredNano = (1n << 63n) - 1n;

/** Amounts on the wire have 96 bits; what a column can't hold exactly is refused rather than rounded. */
export function storedNano(amountNano: bigint, name: string): bigint {
    if (amountNano < 0n || amountNano > maxStoredNano) {
        throw new LedgerError('record_invalid', `${name} must lie between 0 and ${maxStoredNano} nanoTON`, {
            context: { name },
        });
    }
    return amountNano;
}

export function storedBytes(bytes: Buffer, length: number, name: string): Buffer {
    if (bytes.length !== length) {
        throw new LedgerError('record_invalid', `${name} must have ${length} bytes, has ${bytes.length}`, {
            context: { name },
        });
    }
    return bytes;
}

export function storedUint32(value: number, name: string): number {
    if (!Number.isInteger(value) || value < 0 || value > 0xffff_ffff) {
        throw new LedgerError('record_invalid', `${name} must be an unsigned 32-bit integer`, { context: { name } });
    }
    return value;
}

export function checkStream(stream: StreamId): void {
    storedBytes(stream.escrow, 32, 'escrow');
    storedBytes(stream.nodeKey, 32, 'nodeKey');
    storedUint32(stream.epoch, 'epoch');
}

export function checkReceipt(signed: SignedReceipt): void {
    const { receipt } = signed;
    checkStream({ escrow: signed.escrow, epoch: signed.epoch, nodeKey: receipt.nodeKey });
    storedBytes(receipt.sessionKey, 32, 'sessionKey');
    storedBytes(receipt.reference, 32, 'reference');
    storedBytes(signed.signature, 64, 'signature');
    storedUint32(receipt.sequence, 'sequence');
    storedNano(receipt.costNano, 'costNano');
    storedNano(receipt.cumulativeNano, 'cumulativeNano');
}

/** A view as Buffer of what the driver returned. */
export function toBuffer(bytes: Uint8Array): Buffer {
    return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

export function minNano(a: bigint, b: bigint): bigint {
    return a < b ? a : b;
}

export function maxNano(a: bigint, b: bigint): bigint {
    return a > b ? a : b;
}
