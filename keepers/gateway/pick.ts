import type { TrustedNode } from './trusted-node';

export interface PickOptions {
    /** Node keys (hex) already tried for this request. */
    exclude: ReadonlySet<string>;
    /** Node that served the conversation before, if any: prefix caches help. */
    sticky?: string;
    random?: () => number;
}

/** No platform gets more weight than this, whatever capacity it claims. */
const platformWeightCeiling = 64;
/** How much busier the sticky node may be than a random other before it loses the request. */
const stickyPatience = 1.5;

/** Power of two choices on load, each drawn by capacity; undefined when no candidate is left. */
export function pickNode(candidates: readonly TrustedNode[], options: PickOptions): TrustedNode | undefined {
    const random = options.random ?? Math.random;
    const left = candidates.filter((node) => !options.exclude.has(node.id));
    const first = drawByWeight(left, random());
    const second = drawByWeight(left, random());
    if (first === undefined || second === undefined) return undefined;
    const better = loadScore(first) <= loadScore(second) ? first : second;
    const sticky = left.find((node) => node.id === options.sticky);
    return sticky !== undefined && loadScore(sticky) <= stickyPatience * (loadScore(better) + 0.5) ? sticky : better;
}

function weightOf(node: TrustedNode): number {
    return Math.min(Math.max(node.offer.maxConcurrency, 1), platformWeightCeiling);
}

function drawByWeight(nodes: readonly TrustedNode[], at: number): TrustedNode | undefined {
    let rest = at * nodes.reduce((sum, node) => sum + weightOf(node), 0);
    return nodes.find((node) => (rest -= weightOf(node)) < 0) ?? nodes.at(-1);
}

/** Share of capacity in use, made worse by failures. */
export function loadScore(node: TrustedNode): number {
    const { inFlight, queued, failureShare } = node.load;
    return (inFlight + queued) / weightOf(node) + 4 * failureShare;
}
