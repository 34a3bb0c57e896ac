import { sleep } from '../../base';

/** What a compaction does between two of its slices. @param tookMs how long the one before took */
export type Pause = (tookMs: number) => Promise<void>;

export const noPause: Pause = async () => undefined;

/** Of the store's time four fifths are left to those who wait for it. */
const restsPerSlice = 4;
const mostMs = 900;

/** @throws the signal's reason once that is aborted, so that a compaction under way ends between two slices */
export function restBetweenSlices(signal: AbortSignal): Pause {
    return (tookMs) => sleep(Math.min(mostMs, Math.max(1, tookMs * restsPerSlice)), signal, true);
}

/** One slice, and the rest after it. */
export async function inSlice<T>(pause: Pause, act: () => Promise<T>): Promise<T> {
    const startedMs = performance.now();
    const value = await act();
    await pause(performance.now() - startedMs);
    return value;
}
