const marks = ['data: [DONE]', 'data:[DONE]'].map((text) => Buffer.from(text));
const done = Buffer.from('[DONE]');
const newline = 0x0a;

/**
 * An event stream whose last word waits for its end: clients take [DONE] for a whole answer and read no further, so they may
 * only see it once the final receipt has proved the answer whole. Everything before it passes at once.
 */
export async function* holdDone(body: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    let held: Buffer = Buffer.alloc(0);
    let atLineStart = true;
    for await (const chunk of body) {
        const bytes = held.length === 0 ? chunk : Buffer.concat([held, chunk]);
        const from = markStart(bytes, atLineStart);
        held = bytes.subarray(from);
        if (from === 0) continue;
        atLineStart = bytes[from - 1] === newline;
        yield bytes.subarray(0, from);
    }
    if (held.length > 0) yield held;
}

/** Where the mark begins, or what may become one with the next bytes; the length where there is none. */
function markStart(bytes: Buffer, atLineStart: boolean): number {
    const whole = bytes.includes(done) ? wholeMark(bytes, atLineStart) : -1;
    if (whole >= 0) return whole;
    const lastLine = bytes.lastIndexOf(newline) + 1;
    const isOwnLine = lastLine > 0 || atLineStart;
    const tail = bytes.subarray(lastLine);
    const mayBecome = tail.length > 0 && marks.some((mark) => beginsWith(mark, tail));
    return isOwnLine && mayBecome ? lastLine : bytes.length;
}

/** Where a line begins with the mark, -1 where none does. */
function wholeMark(bytes: Buffer, atLineStart: boolean): number {
    if (atLineStart && marks.some((mark) => beginsWith(bytes, mark))) return 0;
    for (let at = bytes.indexOf('\ndata:'); at >= 0; at = bytes.indexOf('\ndata:', at + 1))
        if (marks.some((mark) => beginsWith(bytes.subarray(at + 1), mark))) return at + 1;
    return -1;
}

function beginsWith(bytes: Buffer, start: Buffer): boolean {
    return bytes.length >= start.length && bytes.subarray(0, start.length).equals(start);
}
