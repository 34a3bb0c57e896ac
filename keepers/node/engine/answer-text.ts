/** What may be shown of an answer so far: whole characters only, and nothing that may turn out to be a stop string. */
export class AnswerText {
    private held = '';
    private ended = false;

    constructor(private readonly stops: readonly string[]) {}

    /** True once a stop string was met; nothing comes after it. */
    get stopped(): boolean {
        return this.ended;
    }

    /** Takes what the model wrote next, returns what is now certain to belong to the answer. */
    push(text: string): string {
        if (this.ended) return '';
        this.held += text;
        const stopAt = this.firstStop();
        if (stopAt >= 0) {
            this.ended = true;
            return this.release(stopAt);
        }
        return this.release(this.held.length - this.possibleStopLength());
    }

    /** At the end of the answer what was held back belongs to it after all. */
    finish(): string {
        return this.ended ? '' : this.release(this.held.length);
    }

    /** Where the stop string begins that was complete first, whatever pieces the text came in; the longest of equals. */
    private firstStop(): number {
        const found = this.stops
            .map((stop) => ({ at: this.held.indexOf(stop), length: stop.length }))
            .filter(({ at }) => at >= 0)
            .sort((one, other) => one.at + one.length - (other.at + other.length) || one.at - other.at);
        return found[0]?.at ?? -1;
    }

    /** Length of the longest tail that begins some stop string. */
    private possibleStopLength(): number {
        const lengths = this.stops.map((stop) => {
            let length = Math.min(stop.length - 1, this.held.length);
            while (length > 0 && !stop.startsWith(this.held.slice(-length))) length--;
            return length;
        });
        return Math.max(0, ...lengths);
    }

    private release(length: number): string {
        const text = this.held.slice(0, length);
        this.held = this.held.slice(length);
        return text;
    }
}
