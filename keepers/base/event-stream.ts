/** One server-sent event: its bytes as they came, blank line included. */
export class StreamEvent {
    private joined: string | undefined;

    constructor(readonly raw: Buffer) {}

    /** Its data lines joined; read for the first time where somebody asks, since of most events the bytes are enough. */
    get data(): string {
        return (this.joined ??= dataOf(this.raw));
    }
}

/** Cuts server-sent events out of bytes that arrive split anywhere, inside a character too. */
export class EventStreamParser {
    private pending: Buffer = Buffer.alloc(0);

    constructor(
        private readonly maxEventBytes: number,
        /** The error to throw when the sender goes beyond it. */
        private readonly tooLarge: (message: string) => Error,
    ) {}

    /** Events are views of `bytes`, which the caller must not write to again. */
    push(bytes: Uint8Array): StreamEvent[] {
        this.pending = this.pending.length === 0 ? viewOf(bytes) : Buffer.concat([this.pending, bytes]);
        const events: StreamEvent[] = [];
        for (let end = endOfEvent(this.pending); end > 0; end = endOfEvent(this.pending)) {
            events.push(new StreamEvent(end === this.pending.length ? this.pending : this.pending.subarray(0, end)));
            this.pending = this.pending.subarray(end);
        }
        if (this.pending.length > this.maxEventBytes) {
            throw this.tooLarge(`the engine sent an event of over ${this.maxEventBytes} bytes`);
        }
        return events;
    }

    /** What is left when the stream ends: an event whose blank line never came is still an event. */
    finish(): StreamEvent[] {
        const rest = this.pending;
        this.pending = Buffer.alloc(0);
        return rest.toString('utf8').trim() === '' ? [] : [new StreamEvent(Buffer.concat([rest, Buffer.from('\n\n')]))];
    }
}

const LF = 0x0a;
const CR = 0x0d;

/** Index just past the first blank line, 0 if there is none yet; lines end in LF or CRLF. */
function endOfEvent(bytes: Buffer): number {
    for (let at = bytes.indexOf(LF); at >= 0; at = bytes.indexOf(LF, at + 1)) {
        if (bytes[at + 1] === LF) return at + 2;
        if (bytes[at + 1] === CR && bytes[at + 2] === LF) return at + 3;
    }
    return 0;
}

function viewOf(bytes: Uint8Array): Buffer {
    return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function dataOf(raw: Buffer): string {
    const lines = raw.toString('utf8').split(/\r?\n/);
    const data = lines.filter((line) => line.startsWith('data:')).map((line) => line.slice(5).replace(/^ /, ''));
    return data.join('\n');
}
