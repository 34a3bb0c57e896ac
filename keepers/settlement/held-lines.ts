/** A line that was sent and that hub or escrow passed over. */
export interface FailedLine {
    /** Escrow, epoch and node. */
    line: string;
    /** See `ChainCandidate`. */
    fingerprint: string;
    /** Chain time. */
    failedAtSec: number;
}

export interface HoldPolicy {
    /** After the first failure, when something about the line has changed; doubled with each further one. */
    firstDelaySec: number;
    /** After this it is tried again even if nothing has changed: what we don't know of may have. */
    longestDelaySec: number;
}

export const defaultHoldPolicy: HoldPolicy = { firstDelaySec: 300, longestDelaySec: 86_400 };

interface Hold {
    fingerprint: string;
    failedAtSec: number;
    failures: number;
}

/**
 * Keeps what the chain has passed over from eating gas: unchanged, a line waits a day; changed, it waits the longer the more
 * often it has failed. So however somebody stirs a bad line, its attempts in a day are about as many as its delay doubles.
 */
export class HeldLines {
    private readonly holds = new Map<string, Hold>();

    constructor(private readonly policy: HoldPolicy = defaultHoldPolicy) {}

    noteFailure({ line, fingerprint, failedAtSec }: FailedLine): void {
        const failures = (this.holds.get(line)?.failures ?? 0) + 1;
        this.holds.set(line, { fingerprint, failedAtSec, failures });
    }

    /** It moved: whatever was wrong is over. */
    noteSuccess(line: string): void {
        this.holds.delete(line);
    }

    isHeld({ line, fingerprint }: Pick<FailedLine, 'line' | 'fingerprint'>, nowSec: number): boolean {
        const hold = this.holds.get(line);
        return hold !== undefined && nowSec < hold.failedAtSec + this.delaySec(hold, fingerprint);
    }

    private delaySec({ failures, fingerprint: before }: Hold, fingerprint: string): number {
        const { firstDelaySec, longestDelaySec } = this.policy;
        if (before === fingerprint) return longestDelaySec;
        return Math.min(longestDelaySec, firstDelaySec * 2 ** (failures - 1));
    }
}
