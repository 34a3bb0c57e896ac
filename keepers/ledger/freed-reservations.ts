interface Freed {
    worstNano: bigint;
    /** The last request that had been reserved by then. */
    newestId: bigint;
    atMs: number;
}

/** Longer than any request lives. */
const keptMs = 2 * 3_600_000;
/** Of one stream; beyond it the oldest count as one that was freed later. */
const maxPerStream = 256;

/**
 * What was set aside for requests that were said to owe nothing, by their dispatcher's word. A node that worked on one of them
 * all the same counts it, and rightly: the client signed a cap that covers it.
 */
export class FreedReservations {
    /** By stream; the one that changed last is last. */
    private readonly byStream = new Map<bigint, Freed[]>();

    note(streamId: bigint, freed: Freed): void {
        const all = this.byStream.get(streamId) ?? [];
        all.push(freed);
        if (all.length > maxPerStream) {
            const [oldest, next] = all;
            all.splice(0, 2, { ...next!, worstNano: oldest!.worstNano + next!.worstNano });
        }
        this.byStream.delete(streamId);
        this.byStream.set(streamId, all);
        this.forgetOld(freed.atMs - keptMs);
    }

    /** Freed while that request was under way: what went before is not in its cap. */
    sumDuring(streamId: bigint, requestId: bigint): bigint {
        const all = this.byStream.get(streamId) ?? [];
        return all.reduce((sum, { worstNano, newestId }) => (newestId >= requestId ? sum + worstNano : sum), 0n);
    }

    private forgetOld(beforeMs: number): void {
        for (const [streamId, all] of this.byStream) {
            if (all.at(-1)!.atMs >= beforeMs) return;
            this.byStream.delete(streamId);
        }
    }
}
