import fc from 'fast-check';
import { AnswerText } from '../../../../keepers/node/engine/answer-text';
import { EventStreamParser } from '../../../../keepers/base';

/** Cuts a sequence into pieces at arbitrary places. */
function cut<T extends { length: number; slice(a: number, b: number): T }>(whole: T, sizes: number[]): T[] {
    const pieces: T[] = [];
    for (let at = 0, turn = 0; at < whole.length; turn++) {
        const size = sizes[turn % sizes.length] ?? 1;
        pieces.push(whole.slice(at, at + size));
        at += size;
    }
    return pieces;
}

const sizes = fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 5 });

describe('the text of an answer', () => {
    /** The definition, one character at a time: cut where a stop string is complete first, the longest of equals. */
    function cutAtStop(text: string, stops: string[]): { shown: string; stopped: boolean } {
        for (let end = 1; end <= text.length; end++) {
            const met = stops.filter((stop) => text.slice(0, end).endsWith(stop)).map((stop) => stop.length);
            if (met.length > 0) return { shown: text.slice(0, end - Math.max(...met)), stopped: true };
        }
        return { shown: text, stopped: false };
    }

    it('ends before the first stop string, however it arrives', () => {
        const stop = fc.string({ unit: fc.constantFrom('a', 'b', 'c'), minLength: 1, maxLength: 4 });
        const text = fc.string({ unit: fc.constantFrom('a', 'b', 'c'), maxLength: 20 });
        fc.assert(
            fc.property(text, fc.array(stop, { maxLength: 3 }), sizes, (text, stops, sizes) => {
                const answer = new AnswerText(stops);
                const pieces = cut(text, sizes).map((piece) => answer.push(piece));
                const shown = pieces.join('') + answer.finish();
                expect({ shown, stopped: answer.stopped }).toEqual(cutAtStop(text, stops));
            }),
            { numRuns: 500 },
        );
    });

    it('holds back only what may begin a stop string', () => {
        const answer = new AnswerText(['STOP']);
        expect(answer.push('go ST')).toBe('go ');
        expect(answer.push('AY')).toBe('STAY');
        expect(answer.push(' STO')).toBe(' ');
        expect(answer.push('P and more')).toBe('');
        expect(answer.push('more')).toBe('');
    });
});

describe('the parser of server-sent events', () => {
    it('finds the same events wherever the bytes are cut', () => {
        const event = fc.tuple(fc.string({ unit: 'grapheme', maxLength: 12 }), fc.constantFrom('\n', '\r\n'));
        fc.assert(
            fc.property(fc.array(event, { maxLength: 6 }), sizes, (events, sizes) => {
                const lines = events.map(([text, end]) => [`data: ${JSON.stringify(text)}`, end]);
                const bytes = Buffer.from(lines.map(([line, end]) => `${line}${end}${end}`).join(''));
                const parser = new EventStreamParser(1_000, (message) => new Error(message));
                const found = cut(bytes, sizes).flatMap((piece) => parser.push(piece));
                expect(found.map((event) => JSON.parse(event.data) as string)).toEqual(events.map(([text]) => text));
                expect(Buffer.concat(found.map((event) => event.raw))).toEqual(bytes);
            }),
        );
    });

    it('takes a last event whose blank line never came, joins data lines, skips comments', () => {
        const parser = new EventStreamParser(1_000, (message) => new Error(message));
        expect(
            parser.push(Buffer.from(': ping\n\nevent: x\ndata: a\ndata:b\n\ndata: c')).map(({ data }) => data),
        ).toEqual(['', 'a\nb']);
        expect(parser.finish().map(({ data }) => data)).toEqual(['c']);
        expect(parser.finish()).toEqual([]);
    });

    it('does not collect an event without end', () => {
        const parser = new EventStreamParser(100, (message) => new Error(message));
        expect(() => parser.push(Buffer.alloc(101, 'x'))).toThrow('over 100 bytes');
    });
});
