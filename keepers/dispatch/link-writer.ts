import type { WebSocket } from 'ws';
import { bundledBytes, encodeBundle } from './message-bundle';

export interface LinkWriterOptions {
    /** Messages that may wait go out no more often than this; the others take them along. */
    gatherMs?: number;
    /** A peer that leaves so much unread is cut off. */
    maxBacklogBytes?: number;
}

/** One bundle holds at most about this much, so that what comes behind it is not held up for long. */
const maxBundleBytes = 256 * 1024;
const lateMs = 20;

/**
 * Writes a link's messages, all of one step of the event loop as one: many streams of tokens cost a system call and a
 * WebSocket frame for each step, not for each token of each stream.
 */
export class LinkWriter {
    private messages: (readonly Buffer[])[] = [];
    private bytes = 0;
    private ticking = false;
    private timer: NodeJS.Timeout | undefined;
    private dueAtMs = 0;
    private flushedAtMs = -Infinity;

    constructor(
        private readonly socket: WebSocket,
        private readonly options: LinkWriterOptions = {},
    ) {
        socket.once('close', () => this.drop());
    }

    /**
     * @param pieces one message, operation first
     * @param when `soon`: it may wait for others; `late`: it waits for them, since nobody waits for it
     */
    post(pieces: readonly Buffer[], when: 'now' | 'soon' | 'late' = 'now'): void {
        if (this.socket.readyState !== this.socket.OPEN) return;
        const bytes = bundledBytes(pieces.reduce((sum, piece) => sum + piece.length, 0));
        if (this.bytes + bytes > maxBundleBytes) this.flush();
        this.messages.push(pieces);
        this.bytes += bytes;
        if (when === 'now') this.flushNow();
        else this.flushSoon(when === 'late' ? lateMs : 0);
    }

    /** Behind whatever else is said in this step of the event loop: all that one message from elsewhere brought about. */
    private flushNow(): void {
        if (this.ticking) return;
        this.ticking = true;
        process.nextTick(() => this.flush());
    }

    private flushSoon(leastMs: number): void {
        if (this.ticking) return;
        const nowMs = performance.now();
        const dueAtMs = Math.max(this.flushedAtMs + (this.options.gatherMs ?? 0), nowMs + leastMs);
        // A timer is a millisecond at least.
        if (dueAtMs < nowMs + 1) return this.flushNow();
        if (this.timer !== undefined && this.dueAtMs <= dueAtMs) return;
        clearTimeout(this.timer);
        this.dueAtMs = dueAtMs;
        this.timer = setTimeout(() => this.flush(), dueAtMs - nowMs);
    }

    /** What waits goes out at once, as before a close. */
    flush(): void {
        const { messages } = this;
        this.drop();
        if (messages.length === 0 || this.socket.readyState !== this.socket.OPEN) return;
        this.flushedAtMs = performance.now();
        this.socket.send(encodeBundle(messages));
        const { maxBacklogBytes = Infinity } = this.options;
        if (this.socket.bufferedAmount > maxBacklogBytes) this.socket.terminate();
    }

    private drop(): void {
        clearTimeout(this.timer);
        this.ticking = false;
        this.timer = undefined;
        this.messages = [];
        this.bytes = 0;
    }
}
