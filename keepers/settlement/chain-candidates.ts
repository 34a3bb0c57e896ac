import { createHash } from 'node:crypto';
import { Address } from '@ton/core';
import PQueue from 'p-queue';
import type { EscrowSnapshot, NetworkReader } from '../chain';
import type { Settleable } from '../ledger';
import type { AdmittedNode } from '../../wrappers';
import type { SettlementCandidate } from './decide-settlements';
import type { LineSignatures } from './line-signatures';

/** A candidate with the signed statements that settle it. */
export interface ChainCandidate extends SettlementCandidate {
    settleable: Settleable;
    /** What the chain has paid the node by now. */
    paidNano: bigint;
    /** All that could change hub's and escrow's mind about the line: while it stays the same, so does their answer. */
    fingerprint: string;
}

export type SkipReason =
    | 'escrow_unknown'
    /** The chain could not be read about it this time; others were. */
    | 'escrow_unreadable'
    | 'epoch_over'
    | 'node_unknown'
    | 'nothing_owed'
    | 'session_unknown'
    /** Neither hub nor escrow would believe it. */
    | 'signature_invalid'
    /** Somebody's charge is under way: the escrow refuses another until it is booked. */
    | 'charge_in_flight';

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
    /** Checks lines as hub and escrow will. */
    signatures: LineSignatures;
    concurrency?: number;
    /** Told of escrows that could not be read while others were; without it the first one fails all. */
    onUnreadable?: (escrow: Buffer, error: unknown) => void;
}

/**
 * Holds what we could settle against what the chain has paid already and until when it would take it.
 * @throws what reading threw: that of the first escrow, or with `onUnreadable` where none could be read
 */
export async function viewChain(options: ViewOptions): Promise<ChainView> {
    const view = emptyView();
    const queue = new PQueue({ concurrency: options.concurrency ?? 4 });
    const groups = [...groupByEscrow(options.settleables).values()];
    const failures: unknown[] = [];
    const views = groups.map((group) => async () => {
        try {
            await viewEscrow(group, options, view);
        } catch (error) {
            failures.push(error);
            if (options.onUnreadable === undefined) throw error;
            view.skipped.escrow_unreadable += group.length;
            options.onUnreadable(group[0]!.escrow, error);
        }
    });
    await queue.addAll(views);
    if (failures.length > 0 && failures.length === groups.length) throw failures[0];
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
    const candidates: (ChainCandidate | SkipReason)[] = [];
    for (const settleable of group) candidates.push(await candidateOf(settleable, snapshot, options));
    view.escrows.set(escrow.toString('hex'), snapshot);
    for (const candidate of candidates) {
        if (typeof candidate === 'string') view.skipped[candidate]++;
        else view.candidates.push(candidate);
    }
}

async function candidateOf(
    settleable: Settleable,
    snapshot: EscrowSnapshot,
    { reader, hub, signatures }: ViewOptions,
): Promise<ChainCandidate | SkipReason> {
    if (settleable.epoch !== snapshot.epoch || snapshot.status === 'closed') return 'epoch_over';
    const { nodeKey, sessionKey } = settleable.receipt;
    const paidNano = snapshot.paidNano.get(nodeKey.toString('hex')) ?? 0n;
    const owedNano = payableNano(settleable) - paidNano;
    if (owedNano <= 0n) return 'nothing_owed';
    if (snapshot.inFlightNano !== null) return 'charge_in_flight';
    const session = snapshot.sessionKeys.find(({ publicKey }) => publicKey.equals(sessionKey));
    if (!session) return 'session_unknown';
    const node = await reader.node(hub, nodeKey);
    if (node === null) return 'node_unknown';
    if (!signatures.isGood(settleable)) return 'signature_invalid';
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
        paidNano,
        fingerprint: fingerprintOf(settleable, snapshot, node),
    };
}

function fingerprintOf(settleable: Settleable, snapshot: EscrowSnapshot, node: AdmittedNode): string {
    const { receipt, signature, cap } = settleable;
    const hash = createHash('sha256').update(signature).update(cap.capSignature);
    const paidNano = snapshot.paidNano.get(receipt.nodeKey.toString('hex')) ?? 0n;
    hash.update(`${snapshot.balanceNano}/${paidNano}/${node.settlesUntil}/${snapshot.status}`);
    for (const { publicKey, validUntilSec } of snapshot.sessionKeys) hash.update(publicKey).update(`${validUntilSec}`);
    return hash.digest('hex').slice(0, 32);
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

export function emptyView(): ChainView {
    const skipped: Record<SkipReason, number> = {
        escrow_unknown: 0,
        escrow_unreadable: 0,
        epoch_over: 0,
        node_unknown: 0,
        nothing_owed: 0,
        session_unknown: 0,
        signature_invalid: 0,
        charge_in_flight: 0,
    };
    return { candidates: [], skipped, escrows: new Map() };
}
