/** A line as it looks now. */
export interface SeenLine {
    /** Escrow, epoch and node. */
    line: string;
    /** See `ChainCandidate`; null where nothing tells whether the line as it is was the reason. */
    fingerprint: string | null;
    /** Chain time after which it is lost; null: none in sight. */
    deadlineSec: number | null;
}

/** A line that was sent and has not moved. */
export interface FailedLine extends SeenLine {
    /** Chain time. */
    failedAtSec: number;
}

export interface HoldPolicy {
    /** After the first failure, when something about the line has changed; doubled with each further one. */
    firstDelaySec: number;
    /** After this it is tried again even if nothing has changed: what we don't know of may have. */
    longestDelaySec: number;
    /** A deadline this near presses. */
    pressedWithinSec: number;
    /** Until the next attempt while a deadline presses, changed or not; doubled with each failure under pressure. */
    firstPressedDelaySec: number;
}

export const defaultHoldPolicy: HoldPolicy = {
    firstDelaySec: 300,
    longestDelaySec: 86_400,
    pressedWithinSec: 3_600,
    firstPressedDelaySec: 60,
};

interface Hold {
    fingerprint: string | null;
    failedAtSec: number;
    failures: number;
    /** Of them those with a deadline near. */
    pressedFailures: number;
}

/**
 * Keeps what the chain has passed over from eating gas: unchanged, a line waits a day; changed, it waits the longer the more
 * often it has failed. A wait past its deadline would lose it for certain, so a near one shortens the wait. That doubles as
 * well: however somebody stirs a bad line, its attempts in a day are about as many as its delays double.
 */
export class HeldLines {
    private readonly holds = new Map<string, Hold>();

    constructor(private readonly policy: HoldPolicy = defaultHoldPolicy) {}

    noteFailure({ line, fingerprint, failedAtSec, deadlineSec }: FailedLine): void {
        this.forgetBefore(failedAtSec - 2 * this.policy.longestDelaySec);
        const { failures, pressedFailures } = this.holds.get(line) ?? { failures: 0, pressedFailures: 0 };
        const isPressed = this.isPressed(deadlineSec, failedAtSec);
        this.holds.set(line, {
            fingerprint,
            failedAtSec,
            failures: failures + 1,
            pressedFailures: pressedFailures + Number(isPressed),
        });
    }

    /** It moved: whatever was wrong is over. */
    noteSuccess(line: string): void {
        this.holds.delete(line);
    }

    isHeld(now: SeenLine, nowSec: number): boolean {
        const hold = this.holds.get(now.line);
        return hold !== undefined && nowSec < hold.failedAtSec + this.delaySec(hold, now, nowSec);
    }

    /** What is still owed is tried once in the longest delay: of the others nothing more comes. */
    private forgetBefore(sec: number): void {
        for (const [line, { failedAtSec }] of this.holds) if (failedAtSec < sec) this.holds.delete(line);
    }

    private delaySec(hold: Hold, now: SeenLine, nowSec: number): number {
        const { firstDelaySec, longestDelaySec, firstPressedDelaySec } = this.policy;
        const isUnchanged = hold.fingerprint !== null && hold.fingerprint === now.fingerprint;
        const usualSec = isUnchanged ? longestDelaySec : firstDelaySec * 2 ** (hold.failures - 1);
        const pressedSec = firstPressedDelaySec * 2 ** hold.pressedFailures;
        const isPressed = this.isPressed(now.deadlineSec, nowSec);
        return Math.min(longestDelaySec, usualSec, isPressed ? pressedSec : Infinity);
    }

    private isPressed(deadlineSec: number | null, nowSec: number): boolean {
        return deadlineSec !== null && deadlineSec - nowSec <= this.policy.pressedWithinSec;
    }
}
