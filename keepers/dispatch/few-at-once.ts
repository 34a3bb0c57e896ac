/** A few tasks run at a time, the others wait in order. */
export class FewAtOnce {
    private running = 0;
    private readonly waits: (() => void)[] = [];

    constructor(private readonly places: number) {}

    get waiting(): number {
        return this.waits.length;
    }

    async run<T>(task: () => Promise<T>): Promise<T> {
        if (this.running < this.places) this.running += 1;
        else await new Promise<void>((begin) => this.waits.push(begin));
        try {
            return await task();
        } finally {
            // A place goes from one to the next without being free in between.
            const next = this.waits.shift();
            if (next === undefined) this.running -= 1;
            else next();
        }
    }
}
