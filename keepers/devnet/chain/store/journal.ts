import { createHash } from 'node:crypto';
import { closeSync, existsSync, fdatasyncSync, ftruncateSync, openSync, readFileSync, writeSync } from 'node:fs';
import nodePath from 'node:path';
import { z } from 'zod';
import { ChainError } from '../errors';
import { syncDirectory } from './durable-file';

/** What changed the chain, in order; everything else follows from it. */
const eventSchema = z.discriminatedUnion('kind', [
    z.strictObject({
        kind: z.literal('message'),
        /** Chain time it ran at. */
        timeSec: z.int(),
        /** External message, BOC in base64. */
        boc: z.string(),
        /** Hash of the last transaction it led to: a replay that differs is noticed. */
        lastHash: z.string(),
    }),
    z.strictObject({ kind: z.literal('warp'), seconds: z.int() }),
]);

export type JournalEvent = z.output<typeof eventSchema>;

const checksumLength = 16;

function checksum(text: string): string {
    return createHash('sha256').update(text).digest('hex').slice(0, checksumLength);
}

/** Append-only file of lines `<checksum> <json>`; an event is durable when `append` returns. */
export class Journal {
    private constructor(
        private readonly file: number,
        private length: number,
    ) {}

    /** Opens or creates; a torn last line, never acknowledged to anyone, is cut off. */
    static open(path: string): { journal: Journal; events: JournalEvent[] } {
        const content = existsSync(path) ? readFileSync(path) : Buffer.alloc(0);
        const { events, length } = readEvents(content, path);
        const file = openSync(path, 'a', 0o600);
        if (length < content.length) ftruncateSync(file, length);
        syncDirectory(nodePath.dirname(path));
        return { journal: new Journal(file, length), events };
    }

    append(event: JournalEvent): void {
        const text = JSON.stringify(event);
        const line = Buffer.from(`${checksum(text)} ${text}\n`);
        try {
            for (let written = 0; written < line.length;) written += writeSync(this.file, line, written);
            fdatasyncSync(this.file);
        } catch (error) {
            ftruncateSync(this.file, this.length);
            throw error;
        }
        this.length += line.length;
    }

    close(): void {
        closeSync(this.file);
    }
}

function readEvents(content: Buffer, path: string): { events: JournalEvent[]; length: number } {
    const events: JournalEvent[] = [];
    let length = 0;
    for (let end = content.indexOf(10); end >= 0; end = content.indexOf(10, length)) {
        const event = readLine(content.subarray(length, end).toString('utf8'));
        if (event === undefined) break;
        events.push(event);
        length = end + 1;
    }
    // A crash can tear the last line only: whole lines behind a broken one mean that the file was damaged.
    const brokenEnd = content.indexOf(10, length);
    if (brokenEnd >= 0 && content.indexOf(10, brokenEnd + 1) >= 0) {
        throw new ChainError('state_corrupt', `${path} is damaged at byte ${length}`);
    }
    return { events, length };
}

function readLine(line: string): JournalEvent | undefined {
    const text = line.slice(checksumLength + 1);
    if (line.slice(0, checksumLength) !== checksum(text)) return undefined;
    return eventSchema.parse(JSON.parse(text));
}
