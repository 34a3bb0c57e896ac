/** Where a block's seqno and time are known; between two anchors there is one block a second. */
export interface Anchor {
    seqno: number;
    timeSec: number;
}

/**
 * Enough history behind genesis that PREVMCBLOCKS_100 has its sixteen blocks from the first message on, as on a network
 * that has been running for long.
 */
export const genesisSeqno = 2_000;

/** The virtual masterchain: one block for every second of chain time and one for every accepted message. */
export class BlockLine {
    private readonly anchors: Anchor[];

    constructor(genesisTimeSec: number) {
        this.anchors = [{ seqno: genesisSeqno, timeSec: genesisTimeSec }];
    }

    /** The newest finished block. */
    headAt(nowSec: number): number {
        const last = this.anchors.at(-1)!;
        return last.seqno + Math.max(0, nowSec - last.timeSec);
    }

    /** A message's transactions fill the block after the head. */
    append(anchor: Anchor): void {
        if (this.anchors.at(-1)!.seqno < anchor.seqno) this.anchors.push(anchor);
    }

    timeOf(seqno: number): number {
        const anchor = this.lastAnchor((candidate) => candidate.seqno <= seqno);
        return anchor.timeSec + (seqno - anchor.seqno);
    }

    /** The last block that was finished at this time. */
    seqnoAt(timeSec: number): number {
        const anchor = this.lastAnchor((candidate) => candidate.timeSec <= timeSec);
        return anchor.seqno + (timeSec - anchor.timeSec);
    }

    /** The last anchor that satisfies a condition true for a prefix; the first when none does. */
    private lastAnchor(holds: (anchor: Anchor) => boolean): Anchor {
        let [low, high] = [0, this.anchors.length - 1];
        while (low < high) {
            const middle = Math.ceil((low + high) / 2);
            if (holds(this.anchors[middle]!)) low = middle;
            else high = middle - 1;
        }
        return this.anchors[low]!;
    }
}
