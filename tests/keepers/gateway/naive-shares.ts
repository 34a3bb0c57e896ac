import type { TrustedNode } from '../../../keepers/gateway/trusted-node';

/** Each node's share by the rule as docs/protocol.md says it, from all nodes and without any index. */
export function naiveShares(nodes: readonly TrustedNode[]): Map<string, number> {
    const claims = new Map<string, number>();
    for (const { verdict, offer } of nodes)
        claims.set(verdict.platformId!, (claims.get(verdict.platformId!) ?? 0) + offer.maxConcurrency);
    let weights = new Map([...claims].map(([platform, claim]) => [platform, Math.min(claim, 64)]));
    const total = () => [...weights.values()].reduce((sum, weight) => sum + weight, 0);
    if (weights.size >= 4) {
        // Water drawn off the highest until none stands above a quarter of what is left.
        for (let round = 0; round < 200; round++) {
            const quarter = total() / 4;
            weights = new Map([...weights].map(([platform, weight]) => [platform, Math.min(weight, quarter)]));
        }
    }
    const all = total();
    return new Map(
        nodes.map(({ id, verdict, offer }) => {
            const platform = verdict.platformId!;
            return [id, ((weights.get(platform)! / all) * offer.maxConcurrency) / claims.get(platform)!];
        }),
    );
}
