import type { Address } from '@ton/core';
import { type AdmittedNode, type Distrusted, evidenceWindowSec, type NodeKey, type SlashOptions } from '../../wrappers';

/** A node key, with what hub and provider have of it. */
export interface WatchedKey {
    nodeKey: Buffer;
    provider: Address;
    /** Null: the hub has forgotten it. Evidence counts all the same. */
    admitted: AdmittedNode | null;
    /** Null: expired long ago and forgotten by the provider. */
    recorded: NodeKey | null;
}

/** What governance trusts, as the registry has it now; ids in hex. */
export interface TrustLists {
    images: ReadonlySet<string>;
    models: ReadonlySet<string>;
    deniedPlatforms: ReadonlySet<string>;
}

export interface Contradiction extends SlashOptions {
    provider: Address;
}

export interface WatchPolicy {
    /** Chain time. */
    nowSec: number;
    /** Nodes whose time is over are pruned while the hub holds more than this many. */
    pruneAboveNodes: number;
    /** A reward or refund below this is not worth a message. */
    actCostNano: bigint;
}

export interface WatchView {
    keys: readonly WatchedKey[];
    trust: TrustLists;
    contradictions: readonly Contradiction[];
    hubNodeCount: number;
    /** What the hub holds for this watchdog's wallet: what came back from an escrow without code, for instance. */
    creditNano: bigint;
}

export type WatchAct =
    /** Anyone may have a key revoked that was attested with what governance distrusts by now. */
    | {
          kind: 'recheck';
          key: string;
          provider: Address;
          nodeKey: Buffer;
          distrusted: Distrusted;
          /** After it the key is worth nothing anyway. */
          usefulUntilSec: number;
      }
    /** Two signed receipts that exclude each other: a tenth of the key's bond comes to who shows them. */
    | { kind: 'slash'; key: string; evidence: Contradiction; rewardNano: bigint; usefulUntilSec: number }
    | { kind: 'prune'; key: string; nodeKey: Buffer }
    | { kind: 'claim'; key: string; amountNano: bigint };

/** What the chain should be told now. Pure; in the order in which it matters. */
export function decideActs(view: WatchView, policy: WatchPolicy): WatchAct[] {
    return [...slashes(view, policy), ...rechecks(view, policy), ...claims(view, policy), ...prunes(view, policy)];
}

function slashes({ contradictions, keys }: WatchView, { nowSec, actCostNano }: WatchPolicy): WatchAct[] {
    const byKey = new Map(keys.map((one) => [one.nodeKey.toString('hex'), one]));
    const acts = new Map<string, WatchAct>();
    for (const evidence of contradictions) {
        const key = evidence.nodeKey.toString('hex');
        const recorded = byKey.get(key)?.recorded;
        if (!recorded || recorded.isSlashed) continue;
        const usefulUntilSec = recorded.notAfter + evidenceWindowSec;
        if (nowSec > usefulUntilSec) continue;
        const rewardNano = recorded.bondNano / 10n;
        // One proof is enough: the whole share of the key goes.
        if (rewardNano > actCostNano && !acts.has(key))
            acts.set(key, { kind: 'slash', key, evidence, rewardNano, usefulUntilSec });
    }
    return [...acts.values()];
}

function rechecks({ keys, trust }: WatchView, { nowSec }: WatchPolicy): WatchAct[] {
    return keys.flatMap(({ nodeKey, provider, admitted, recorded }): WatchAct[] => {
        const isLive = admitted !== null && admitted.revokedAt === null && admitted.notAfter >= nowSec;
        if (!isLive || recorded === null) return [];
        const distrusted = whatIsDistrusted(recorded, trust);
        if (distrusted === null) return [];
        const key = nodeKey.toString('hex');
        return [{ kind: 'recheck', key, provider, nodeKey, distrusted, usefulUntilSec: recorded.notAfter }];
    });
}

function whatIsDistrusted({ imageId, modelRoot, platformId }: NodeKey, trust: TrustLists): Distrusted | null {
    if (!trust.images.has(imageId.toString('hex'))) return { imageId };
    if (!trust.models.has(modelRoot.toString('hex'))) return { modelRoot };
    return trust.deniedPlatforms.has(platformId.toString('hex')) ? { platformId } : null;
}

function claims({ creditNano }: WatchView, { actCostNano }: WatchPolicy): WatchAct[] {
    return creditNano > 2n * actCostNano ? [{ kind: 'claim', key: 'credit', amountNano: creditNano }] : [];
}

/** A pruned node pays nobody: it is worth its gas where the hub's room runs short. */
function prunes({ keys, hubNodeCount }: WatchView, { nowSec, pruneAboveNodes }: WatchPolicy): WatchAct[] {
    const over = keys.flatMap(({ nodeKey, admitted }) =>
        admitted !== null && admitted.settlesUntil < nowSec ? [{ nodeKey, endedSec: admitted.settlesUntil }] : [],
    );
    const surplus = Math.max(0, hubNodeCount - pruneAboveNodes);
    return over
        .sort((a, b) => a.endedSec - b.endedSec)
        .slice(0, surplus)
        .map(({ nodeKey }) => ({ kind: 'prune', key: nodeKey.toString('hex'), nodeKey }));
}
