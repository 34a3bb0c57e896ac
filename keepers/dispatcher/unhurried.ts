import { setImmediate } from 'node:timers/promises';

/** The thread is held no longer at a time; requests come in between. */
const holdsMs = 4;

/** Hands on what takes long to make, and lets the event loop turn in between. */
export async function* unhurried<T>(pieces: Iterable<T>): AsyncGenerator<T> {
    let beganMs = performance.now();
    for (const piece of pieces) {
        yield piece;
        if (performance.now() - beganMs < holdsMs) continue;
        await setImmediate();
        beganMs = performance.now();
    }
}
