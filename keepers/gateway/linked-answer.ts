import type { RelayFailure } from '../dispatch';
import type { Relayed } from './dispatcher-client';
import { FrameQueue } from './frame-queue';

/** The connection to the dispatcher went, and every answer on it. */
export class LinkLost extends Error {}

export interface LinkedAnswerOptions {
    signal: AbortSignal;
    /** Nobody wants the answer any more; its end has not come. */
    onLeave: () => void;
}

/** One request on a link: first a frame or a refusal, then frames up to the end. */
export class LinkedAnswer {
    /** Rejects when the link breaks, or the signal aborts, before either came. */
    readonly relayed: Promise<Relayed>;
    private readonly frames: FrameQueue;
    private resolve!: (relayed: Relayed) => void;
    private reject!: (error: unknown) => void;
    private begun = false;

    constructor(private readonly options: LinkedAnswerOptions) {
        this.relayed = new Promise((resolve, reject) => {
            this.resolve = resolve;
            this.reject = reject;
        });
        this.frames = new FrameQueue(() => this.leave());
        options.signal.addEventListener('abort', this.onAbort, { once: true });
    }

    deliver(bytes: Buffer): void {
        this.frames.push(bytes);
        if (this.begun) return;
        this.begun = true;
        this.resolve({ ok: true, frames: this.frames });
    }

    end(): void {
        this.over();
        this.reject(new Error('the dispatcher ended an answer that had not begun'));
        this.frames.end();
    }

    /** Before a frame it is a refusal; after one the answer is cut off. */
    fail(failure: RelayFailure): void {
        this.over();
        this.resolve({ ok: false, refusal: failure });
        this.frames.end(new Error(`the dispatcher broke the answer off: ${failure.code}`));
    }

    /** The link is gone. */
    lost(error: Error): void {
        this.over();
        this.reject(error);
        this.frames.end(error);
    }

    private readonly onAbort = () => {
        this.lost(this.options.signal.reason as Error);
        this.options.onLeave();
    };

    private leave(): void {
        this.over();
        this.options.onLeave();
    }

    private over(): void {
        this.options.signal.removeEventListener('abort', this.onAbort);
    }
}
