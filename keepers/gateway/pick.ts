import { claimOf, type ModelOffers, platformOf } from './model-offers';
import { platformWeightCeiling } from './platform-shares';
import type { TrafficShare } from './traffic-share';
import type { TrustedNode } from './trusted-node';

export interface PickOptions {
    /** How many of the cheapest nodes the price ceiling leaves. */
    reach: number;
    /** False for nodes tried already, and for those that the directory has dropped since. */
    isUsable: (node: TrustedNode) => boolean;
    /** Node that served the conversation before, if any: prefix caches help. */
    sticky?: string;
    /** Where the last picks for this model went. */
    traffic?: TrafficShare;
    random?: () => number;
}

/** How much busier the sticky node may be than a random other before it loses the request. */
const stickyPatience = 1.5;
/** Further draws for a node of a platform that has not had its quarter yet. */
const maxOthers = 6;
/** A first frame that takes so long counts like a node in full use. */
const slowFirstFrameMs = 10_000;

/** Power of two choices on load, each drawn by capacity; undefined when no node is left. */
export function pickNode(offers: ModelOffers, options: PickOptions): TrustedNode | undefined {
    const { reach, isUsable, traffic, random } = options;
    const first = offers.draw(reach, isUsable, random);
    if (first === undefined) return undefined;
    const second = offers.draw(reach, isUsable, random) ?? first;
    const better = loadScore(first) <= loadScore(second) ? first : second;
    const picked = stickyNode(offers, options, better) ?? withinQuarter(offers, options, better);
    traffic?.add(platformOf(picked));
    return picked;
}

function stickyNode(offers: ModelOffers, { sticky, reach, isUsable }: PickOptions, better: TrustedNode) {
    if (sticky === undefined) return undefined;
    const node = offers.find(sticky, reach);
    const isWanted =
        node !== undefined && isUsable(node) && loadScore(node) <= stickyPatience * (loadScore(better) + 0.5);
    return isWanted ? node : undefined;
}

/** Load may pull more than a quarter to one platform; then another with room takes this one. */
function withinQuarter(offers: ModelOffers, options: PickOptions, better: TrustedNode): TrustedNode {
    const { reach, isUsable, traffic, random } = options;
    if (traffic === undefined || !traffic.isFull(platformOf(better))) return better;
    for (let others = 0; others < maxOthers; others++) {
        const other = offers.draw(reach, isUsable, random);
        if (other !== undefined && loadScore(other) < 1 && !traffic.isFull(platformOf(other))) return other;
    }
    return better;
}

/** Share of capacity in use, made worse by failures and by the wait for a first frame. */
export function loadScore(node: TrustedNode): number {
    const { inFlight, queued, failureShare, firstFrameMsP50 } = node.load;
    const inUse = (inFlight + queued) / Math.min(claimOf(node), platformWeightCeiling);
    const trouble = Math.min((node.trouble ?? 0) / 4, 1);
    return inUse + 4 * Math.max(failureShare, trouble) + Math.min((firstFrameMsP50 ?? 0) / slowFirstFrameMs, 1);
}
