/** What is due within so many milliseconds happens in one step. */
export const stepMs = 10;

/**
 * Timers of many streams that need not be exact: a timer of its own for each would wake the process for each, and that
 * costs more than what is done then.
 */
export class SharedSteps {
    private readonly due = new Map<number, (() => void)[]>();
    private timer: NodeJS.Timeout | undefined;
    private nextStep = Infinity;

    /** @returns when it will happen, at that time or up to `stepMs` after it, by the clock of `performance.now()` */
    at(dueMs: number, act: () => void): number {
        const step = Math.ceil(dueMs / stepMs);
        const acts = this.due.get(step);
        if (acts === undefined) this.due.set(step, [act]);
        else acts.push(act);
        if (step < this.nextStep) this.wakeAt(step);
        return step * stepMs;
    }

    private wakeAt(step: number): void {
        clearTimeout(this.timer);
        this.nextStep = step;
        this.timer = setTimeout(() => this.run(), Math.ceil(step * stepMs - performance.now()));
    }

    private run(): void {
        // A timer may come a fraction of a millisecond early.
        const now = Math.floor((performance.now() + 1) / stepMs);
        this.nextStep = Infinity;
        for (const [step, acts] of this.due) {
            if (step > now) continue;
            this.due.delete(step);
            for (const act of acts) act();
        }
        const next = Math.min(...this.due.keys());
        if (next < this.nextStep) this.wakeAt(next);
    }
}
