import { appendFileSync } from 'node:fs';

/** What was done to the network and when, one JSON object a line: read beside the logs when an audit fails. */
export class Diary {
    private readonly startedMs = performance.now();

    constructor(
        readonly file: string,
        private readonly say: (line: string) => void,
    ) {}

    get elapsedMs(): number {
        return Math.round(performance.now() - this.startedMs);
    }

    /** Kept in the file and told to whoever watches. */
    tell(what: string, facts: object = {}): void {
        this.note(what, facts);
        const shown = Object.entries(facts).map(([name, value]) => `${name} ${String(value)}`);
        this.say(`${(this.elapsedMs / 1000).toFixed(1).padStart(7)} s  ${what}  ${shown.join(', ')}`.trimEnd());
    }

    /** Kept in the file alone. */
    note(what: string, facts: object = {}): void {
        const line = { at: new Date().toISOString(), elapsedMs: this.elapsedMs, what, ...facts };
        appendFileSync(this.file, `${JSON.stringify(line, asText)}\n`);
    }
}

function asText(_name: string, value: unknown): unknown {
    return typeof value === 'bigint' ? value.toString() : value;
}
