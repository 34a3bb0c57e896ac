import type { TrustedNode } from './trusted-node';

interface Tally {
    begun: number;
    refused: number;
}

/** A node asked less often says nothing. */
const minAsked = 3;
/** Fewer nodes say nothing about a dispatcher. */
const minNodes = 8;
/** Of a node's requests, to call it refused; of the nodes, to call it steering. */
const refusedShare = 0.75;
const maxTally = 32;

/**
 * Whether a dispatcher steers: it names many nodes with room, and lets requests through to a few of them only. A network that
 * is really full shows in its own load feed, so refusals of nodes that it calls busy do not count.
 */
export class DispatcherConduct {
    private readonly byDispatcher = new Map<string, Map<string, Tally>>();

    began(node: TrustedNode): void {
        this.count(node, 'begun');
    }

    /** @returns whether the dispatcher steers by now; then its record starts anew */
    refused(node: TrustedNode): boolean {
        const { inFlight, queued, maxConcurrency } = node.load;
        if (inFlight + queued >= maxConcurrency) return false;
        this.count(node, 'refused');
        const tallies = this.byDispatcher.get(node.dispatcherUrl)!;
        if (!isSteering([...tallies.values()])) return false;
        this.byDispatcher.delete(node.dispatcherUrl);
        return true;
    }

    private count({ id, dispatcherUrl }: TrustedNode, outcome: keyof Tally): void {
        const tallies = this.byDispatcher.get(dispatcherUrl) ?? new Map<string, Tally>();
        const tally = tallies.get(id) ?? { begun: 0, refused: 0 };
        tally[outcome] += 1;
        // What was long ago counts half.
        if (tally.begun + tally.refused > maxTally) {
            tally.begun /= 2;
            tally.refused /= 2;
        }
        tallies.set(id, tally);
        this.byDispatcher.set(dispatcherUrl, tallies);
    }
}

function isSteering(tallies: readonly Tally[]): boolean {
    const judged = tallies.filter(({ begun, refused }) => begun + refused >= minAsked);
    const kept = judged.filter(({ begun, refused }) => refused >= refusedShare * (begun + refused));
    const serves = judged.some(({ begun, refused }) => begun > refused);
    return judged.length >= minNodes && serves && kept.length >= refusedShare * judged.length;
}
