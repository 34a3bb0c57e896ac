import { Address } from '@ton/core';
import PQueue from 'p-queue';
import type { EscrowSnapshot, NetworkReader } from '../chain';
import type { Settleable } from '../ledger';
import type { SettlementCandidate } from './decide-settlements';

/** A candidate with the signed statements that settle it. */
export interface ChainCandidate extends SettlementCandidate {
    settleable: Settleable;
}

export type SkipReason = 'escrow_unknown' | 'epoch_over' | 'node_unknown' | 'nothing_owed' | 'session_unknown';

export interface ChainView {
    candidates: ChainCandidate[];
    skipped: Record<SkipReason, number>;
    /** What the chain says of each escrow, by account id in hex. */
    escrows: Map<string, EscrowSnapshot>;
}

export interface ViewOptions {
    reader: NetworkReader;
    hub: Address;
    settleables: readonly Settleable[];
    concurrency?: number;
}

/** Holds what we could settle against what the chain has paid already and until when it would take it. */
export async function viewChain(options: ViewOptions): Promise<ChainView> {
    const view: ChainView = { candidates: [], skipped: noneSkipped(), escrows: new Map() };
    const queue = new PQueue({ concurrency: options.concurrency ?? 4 });
    const groups = groupByEscrow(options.settleables);
    await queue.addAll([...groups.values()].map((group) => () => viewEscrow(group, options, view)));
    return view;
}

async function viewEscrow(group: Settleable[], options: ViewOptions, view: ChainView): Promise<void> {
    const escrow = group[0]!.escrow;
    const snapshot = await options.reader.escrow({
        address: new Address(0, escrow),
        hub: options.hub,
        nodeKeys: () => uniqueNodeKeys(group),
    });
    if (snapshot === null) {
        view.skipped.escrow_unknown += group.length;
        return;
    }
    view.escrows.set(escrow.toString('hex'), snapshot);
    for (const settleable of group) {
        const candidate = await candidateOf(settleable, snapshot, options);
        if (typeof candidate === 'string') view.skipped[candidate]++;
        else view.candidates.push(candidate);
    }
}

async function candidateOf(
    settleable: Settleable,
    snapshot: EscrowSnapshot,
    { reader, hub }: ViewOptions,
): Promise<ChainCandidate | SkipReason> {
    if (settleable.epoch !== snapshot.epoch || snapshot.status === 'closed') return 'epoch_over';
    const { nodeKey, sessionKey } = settleable.receipt;
    const owedNano = payableNano(settleable) - (snapshot.paidNano.get(nodeKey.toString('hex')) ?? 0n);
    if (owedNano <= 0n) return 'nothing_owed';
    const session = snapshot.sessionKeys.find(({ publicKey }) => publicKey.equals(sessionKey));
    if (!session) return 'session_unknown';
    const node = await reader.node(hub, nodeKey);
    if (node === null) return 'node_unknown';
    // The present key is good for the close delay beyond its end; a replaced one has that in its end already.
    const isPresent = session === snapshot.sessionKeys[0];
    const sessionEndSec = session.validUntilSec + (isPresent ? snapshot.closeDelaySec : 0);
    return {
        escrow: settleable.escrow.toString('hex'),
        epoch: settleable.epoch,
        nodeKey: nodeKey.toString('hex'),
        owedNano: owedNano < snapshot.balanceNano ? owedNano : snapshot.balanceNano,
        balanceNano: snapshot.balanceNano,
        deadlineSec: Math.min(node.settlesUntil, sessionEndSec, snapshot.closesAtSec ?? Infinity),
        settleable,
    };
}

/** What the chain would have paid in total once this is settled. */
export function payableNano({ receipt, cap }: Settleable): bigint {
    return receipt.cumulativeNano < cap.capCumulativeNano ? receipt.cumulativeNano : cap.capCumulativeNano;
}

function groupByEscrow(settleables: readonly Settleable[]): Map<string, Settleable[]> {
    const groups = new Map<string, Settleable[]>();
    for (const settleable of settleables) {
        const key = settleable.escrow.toString('hex');
        groups.set(key, [...(groups.get(key) ?? []), settleable]);
    }
    return groups;
}

function uniqueNodeKeys(group: readonly Settleable[]): Buffer[] {
    return [...new Map(group.map(({ receipt }) => [receipt.nodeKey.toString('hex'), receipt.nodeKey])).values()];
}

function noneSkipped(): Record<SkipReason, number> {
    return { escrow_unknown: 0, epoch_over: 0, node_unknown: 0, nothing_owed: 0, session_unknown: 0 };
}
