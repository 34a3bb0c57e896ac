import { readFileSync } from 'node:fs';
import { Address, type OpenedContract } from '@ton/core';
import { z } from 'zod';
import { errorMessage } from '../base';
import { verifyNodeSignature, verifySignature } from '../confidential';
import { readNodeLogSettleable } from '../ledger';
import { capDigest, Escrow, type EscrowState, type Payout, receiptDigest, type SettlementLine } from '../../wrappers';
import { ifActive } from './account';
import type { OperatorContext } from './context';
import { parseArguments } from './define-act';
import { OperatorError } from './errors';
import { bytes, nano, uint32 } from './fields';

/** The same fields as a line of a node's receipt log. */
const lineSchema = z
    .object({
        escrow: bytes(32),
        epoch: uint32,
        nodeKey: bytes(32),
        sessionKey: bytes(32),
        sequence: uint32,
        costNano: nano,
        cumulativeNano: nano,
        reference: bytes(32),
        signature: bytes(64),
        requestHash: bytes(32),
        capCumulativeNano: nano,
        capSignature: bytes(64),
    })
    .transform((line) => ({
        escrow: line.escrow,
        epoch: line.epoch,
        receipt: {
            nodeKey: line.nodeKey,
            sessionKey: line.sessionKey,
            sequence: line.sequence,
            costNano: line.costNano,
            cumulativeNano: line.cumulativeNano,
            reference: line.reference,
        },
        nodeSignature: line.signature,
        cap: { nodeKey: line.nodeKey, cumulativeNano: line.capCumulativeNano, requestHash: line.requestHash },
        capSignature: line.capSignature,
    }));

/** A receipt with its cap, and where they count. */
export type PostableLine = z.output<typeof lineSchema>;

/** @throws OperatorError `argument_invalid` */
export function readLinesFile(file: string): PostableLine[] {
    try {
        return parseArguments(file, z.array(lineSchema).min(1), JSON.parse(readFileSync(file, 'utf8')));
    } catch (error) {
        if (error instanceof OperatorError) throw error;
        throw new OperatorError('argument_invalid', `${file}: ${errorMessage(error)}`, { cause: error });
    }
}

/** The latest receipt of every escrow in a node's receipt log, with the best cap for it. */
export async function readReceiptLog(file: string): Promise<PostableLine[]> {
    const entries = await readNodeLogSettleable(file);
    return entries.map(({ escrow, epoch, receipt, signature, cap }) => ({
        escrow,
        epoch,
        receipt,
        nodeSignature: signature,
        cap: { nodeKey: receipt.nodeKey, cumulativeNano: cap.capCumulativeNano, requestHash: cap.requestHash },
        capSignature: cap.capSignature,
    }));
}

/** What the chain will make of one line. */
export interface JudgedLine {
    escrow: Address;
    nodeKey: Buffer;
    /** 0 for a line that is not sent, with the reason */
    dueNano: bigint;
    /** what the node has been paid in this epoch once the line is settled */
    paidAfterNano: bigint;
    reason: string | null;
    line: SettlementLine;
}

export interface JudgedEscrow {
    escrow: OpenedContract<Escrow>;
    epoch: number;
    lines: JudgedLine[];
}

/** Applies the hub's and the escrow's rules, so that nobody pays for lines that come to nothing. */
export async function judgeLines(
    context: OperatorContext,
    hub: OpenedContract<Payout>,
    lines: readonly PostableLine[],
): Promise<JudgedEscrow[]> {
    const groups = new Map<string, PostableLine[]>();
    for (const line of lines) {
        const key = `${line.escrow.toString('hex')}/${line.epoch}`;
        groups.set(key, [...(groups.get(key) ?? []), line]);
    }
    const { registry } = await hub.getState();
    const rules = { context, hub, network: registry.hash, nowSec: await context.nowSec() };
    return Promise.all([...groups.values()].map((group) => judgeEscrow(rules, group)));
}

interface Rules {
    context: OperatorContext;
    hub: OpenedContract<Payout>;
    network: Buffer;
    nowSec: number;
}

async function judgeEscrow(rules: Rules, group: readonly PostableLine[]): Promise<JudgedEscrow> {
    const { escrow: escrowId, epoch } = group[0]!;
    const escrow = rules.context.open(Escrow.createFromAddress(new Address(0, escrowId)));
    const state = await ifActive(rules.context, escrow.address, () => escrow.getState());
    const wholeReason = escrowReason(rules, state, epoch);
    let leftNano = state?.balanceNano ?? 0n;
    const lines: JudgedLine[] = [];
    for (const line of group) {
        const { nodeKey } = line.receipt;
        const reason = wholeReason ?? (await lineReason(rules, state!, line));
        const wanted = reason === null ? unpaidNano(state!, line) : 0n;
        const dueNano = wanted < leftNano ? wanted : leftNano;
        leftNano -= dueNano;
        const nothing = wanted === 0n ? 'paid already' : 'the balance is used up';
        lines.push({
            escrow: escrow.address,
            nodeKey,
            line,
            dueNano,
            paidAfterNano: paidNano(state, nodeKey) + dueNano,
            reason: reason ?? (dueNano > 0n ? null : nothing),
        });
    }
    return { escrow, epoch, lines };
}

function escrowReason({ hub, nowSec }: Rules, state: EscrowState | null, epoch: number): string | null {
    if (state === null) return 'the escrow is not on chain';
    if (!state.hub.equals(hub.address)) return 'the escrow is of another hub';
    if (state.phase === 'closed') return 'the escrow is closed';
    if (state.epoch !== epoch) return 'the receipts are of another epoch';
    if (state.closesAt !== null && nowSec > state.closesAt) return 'the close delay has passed';
    return null;
}

async function lineReason(rules: Rules, state: EscrowState, line: PostableLine): Promise<string | null> {
    const node = await rules.hub.getNode(line.receipt.nodeKey);
    if (node === null) return 'the hub does not know the node';
    if (node.settlesUntil < rules.nowSec) return 'the node expired or was revoked too long ago';
    if (!sessionAccepted(state, line.receipt.sessionKey, rules.nowSec)) return 'the session key is no longer accepted';
    const scope = { network: rules.network, escrow: line.escrow, epoch: line.epoch };
    const receipt = { publicKey: line.receipt.nodeKey, digest: receiptDigest({ ...scope, ...line.receipt }) };
    if (!verifyNodeSignature({ ...receipt, signature: line.nodeSignature })) return 'the node did not sign the receipt';
    const cap = { publicKey: line.receipt.sessionKey, digest: capDigest({ ...scope, ...line.cap }) };
    return verifySignature({ ...cap, signature: line.capSignature }) ? null : 'the session key did not sign the cap';
}

function sessionAccepted(state: EscrowState, sessionKey: Buffer, nowSec: number): boolean {
    if (state.sessionKey.equals(sessionKey)) return nowSec <= state.sessionExpiresAt + state.closeDelaySec;
    return state.retiredKeys.some(({ key, validUntil }) => key.equals(sessionKey) && nowSec <= validUntil);
}

function unpaidNano(state: EscrowState, { receipt, cap }: PostableLine): bigint {
    const allowed = receipt.cumulativeNano < cap.cumulativeNano ? receipt.cumulativeNano : cap.cumulativeNano;
    const unpaid = allowed - paidNano(state, receipt.nodeKey);
    return unpaid > 0n ? unpaid : 0n;
}

function paidNano(state: EscrowState | null, nodeKey: Buffer): bigint {
    return state?.paidNano.get(nodeKey.toString('hex')) ?? 0n;
}
