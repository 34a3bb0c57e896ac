import type { Clock } from '../../base';

/** Backends that lag behind each other answer by turns; a wrong answer is contradicted by every one after it. */
const answersInARow = 5;
const forMs = 180_000;

/**
 * Whoever goes back behind what was shown before is not believed, unless nothing else is heard for minutes: then it was what
 * was shown before that was wrong, and to hold on to it would shut the endpoint out for good.
 */
export class Insistence {
    private answers = 0;
    private sinceMs = 0;

    constructor(private readonly clock: Clock) {}

    /** An answer that goes back. @returns whether it is to be believed */
    again(): boolean {
        const nowMs = this.clock.monotonicMs();
        if (this.answers === 0) this.sinceMs = nowMs;
        this.answers += 1;
        return this.answers >= answersInARow && nowMs - this.sinceMs >= forMs;
    }

    /** An answer that does not. */
    over(): void {
        this.answers = 0;
    }
}
