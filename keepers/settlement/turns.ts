import { createHash } from 'node:crypto';

export interface TurnOptions {
    /** What tells this settler from the others, such as its wallet. */
    settlerId: string;
    /** Longer than a settlement needs to be seen by the others. */
    slotSec: number;
    /** A turn in so many. */
    slots: number;
}

export const defaultTurns: Omit<TurnOptions, 'settlerId'> = { slotSec: 20, slots: 16 };

/** How long others count as there after their last sign of life. */
const companySec = 7 * 86_400;

/**
 * Settlers that don't know each other take turns by lot: time is cut into windows of slots, and each draws a slot of each
 * window for each escrow from a hash of its own name. Two draw the same one window in `slots`; only then both pay. A
 * settler that has seen no other's settlement for a week does not wait.
 */
export class Turns {
    private seenOthersAtSec = -Infinity;

    constructor(private readonly options: TurnOptions) {}

    /** Something was paid that this settler did not send. */
    noteOthers(nowSec: number): void {
        this.seenOthersAtSec = nowSec;
    }

    isAlone(nowSec: number): boolean {
        return nowSec - this.seenOthersAtSec > companySec;
    }

    /** Seconds until the next turn for an escrow, 0: now. A turn can be taken up in the first half of its slot. */
    waitSec(escrow: string, nowSec: number): number {
        if (this.isAlone(nowSec)) return 0;
        const { slotSec, slots } = this.options;
        const window = Math.floor(nowSec / (slotSec * slots));
        for (const candidate of [window, window + 1]) {
            const startSec = (candidate * slots + this.drawnSlot(escrow, candidate)) * slotSec;
            if (nowSec < startSec) return startSec - nowSec;
            if (nowSec < startSec + slotSec / 2) return 0;
        }
        throw new Error('unreachable: the next window begins later than now');
    }

    private drawnSlot(escrow: string, window: number): number {
        const { settlerId, slots } = this.options;
        const hash = createHash('sha256').update(`${settlerId}/${escrow}/${window}`).digest();
        return hash.readUInt32BE(0) % slots;
    }
}
