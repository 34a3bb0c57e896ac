import { createPrivateKey, createPublicKey, type KeyObject, sign } from 'node:crypto';
import { capDigest, receiptDigest } from '../../../wrappers';
import type { CapRecord, ReceiptRecord } from '../../../keepers/ledger';
import { cap, escrow, receipt } from './ledger-records';
import { bytes } from './record-bytes';

/** Caps and receipts that are really signed, for one network. */
export const network = bytes('network');

interface Signer {
    publicKey: Buffer;
    key: KeyObject;
}

function signerOf(name: string): Signer {
    const prefix = Buffer.from('302e020100300506032b657004220420', 'hex');
    const key = createPrivateKey({ key: Buffer.concat([prefix, bytes(name)]), format: 'der', type: 'pkcs8' });
    return { key, publicKey: createPublicKey(key).export({ format: 'der', type: 'spki' }).subarray(12) };
}

const node = signerOf('a node');
const session = signerOf('a session');
export const signedStream = { escrow, epoch: 7, nodeKey: node.publicKey };

export function signedCap(label: string, capCumulativeNano: bigint, worstCaseNano: bigint): CapRecord {
    const record = cap(label, capCumulativeNano, { ...signedStream, sessionKey: session.publicKey, worstCaseNano });
    const digest = capDigest({
        network,
        ...signedStream,
        cumulativeNano: capCumulativeNano,
        requestHash: record.requestHash,
    });
    return { ...record, capSignature: sign(null, digest, session.key) };
}

export function signedReceipt(
    label: string,
    of: { sequence: number; cost: bigint; cumulative: bigint; final?: boolean; receivedAtMs?: number },
): ReceiptRecord {
    const record = receipt(label, { ...of, nodeKey: node.publicKey, sessionKey: session.publicKey });
    const digest = receiptDigest({ network, escrow, epoch: 7, ...record.receipt });
    return { ...record, signature: sign(null, digest, node.key), receivedAtMs: of.receivedAtMs ?? 2 };
}
