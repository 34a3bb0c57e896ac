import type {
    CapRecord,
    EscrowFunds,
    GatewayReceipt,
    NodeLogEntry,
    ReceiptRecord,
    Reservation,
} from '../../../keepers/ledger';
import { bytes } from './record-bytes';

export const escrow = bytes('escrow');
export const nodeA = bytes('node a');
export const nodeB = bytes('node b');
export const streamA = { escrow, epoch: 7, nodeKey: nodeA };
export const streamB = { escrow, epoch: 7, nodeKey: nodeB };

export function funds(balanceNano: bigint, paid: [Buffer, bigint][] = []): EscrowFunds {
    return { balanceNano, paidNano: new Map(paid.map(([key, amount]) => [key.toString('hex'), amount])) };
}

export function requestId(label: string): Buffer {
    return bytes(`id ${label}`, 16);
}

export function cap(label: string, capCumulativeNano: bigint, overrides: Partial<CapRecord> = {}): CapRecord {
    return {
        ...streamA,
        requestId: requestId(label),
        requestHash: bytes(`hash ${label}`),
        offerHash: bytes('offer'),
        sessionKey: bytes('session'),
        capCumulativeNano,
        capSignature: bytes(`cap signature ${label}`, 64),
        funds: funds(1_000n),
        atMs: 1,
        ...overrides,
    };
}

export interface ReceiptFields {
    sequence: number;
    cost: bigint;
    cumulative: bigint;
    nodeKey?: Buffer;
    final?: boolean;
    sessionKey?: Buffer;
}

export function receipt(label: string | null, fields: ReceiptFields): ReceiptRecord {
    return {
        escrow,
        epoch: 7,
        receipt: tail(fields),
        signature: bytes(`signature ${label} ${fields.sequence} ${fields.cumulative}`, 64),
        requestId: label === null ? null : requestId(label),
        usageHash: bytes('usage'),
        transcriptHash: bytes('transcript'),
        final: fields.final ?? true,
        receivedAtMs: 2,
    };
}

function tail(fields: ReceiptFields) {
    return {
        nodeKey: fields.nodeKey ?? nodeA,
        sessionKey: fields.sessionKey ?? bytes('session'),
        sequence: fields.sequence,
        costNano: fields.cost,
        cumulativeNano: fields.cumulative,
        reference: bytes('reference'),
    };
}

export function reservation(label: string, worstCaseNano: bigint, overrides: Partial<Reservation> = {}): Reservation {
    return {
        ...streamA,
        requestId: requestId(label),
        sessionKey: bytes('session'),
        model: 'toy',
        worstCaseNano,
        funds: funds(1_000n),
        atMs: 1,
        ...overrides,
    };
}

export function sent(label: string) {
    return {
        requestHash: bytes(`hash ${label}`),
        offerHash: bytes('offer'),
        capSignature: bytes(`cap signature ${label}`, 64),
        atMs: 2,
    };
}

export function gatewayReceipt(fields: ReceiptFields): GatewayReceipt {
    return {
        receipt: tail(fields),
        signature: bytes(`signature ${fields.sequence}`, 64),
        usageHash: bytes('usage'),
        transcriptHash: bytes('transcript'),
        usage: {
            salt: bytes('salt'),
            promptTokens: 10,
            cachedPromptTokens: 4,
            completionTokens: 3,
            reasoningTokens: 1,
            modelIndex: 0,
        },
    };
}

export function logEntry(fields: ReceiptFields & { capCumulative: bigint }): NodeLogEntry {
    const { escrow: account, epoch, receipt: signed, signature } = receipt('log', fields);
    return {
        escrow: account,
        epoch,
        receipt: signed,
        signature,
        cap: {
            sessionKey: signed.sessionKey,
            requestHash: bytes(`hash ${fields.sequence}`),
            capCumulativeNano: fields.capCumulative,
            capSignature: bytes(`cap ${fields.sequence}`, 64),
        },
        final: fields.final ?? true,
        atMs: 3,
    };
}
