import { jest } from '@jest/globals';
import fs from 'node:fs';
import { setImmediate as turn } from 'node:timers/promises';

export type Ended = (error: NodeJS.ErrnoException | null) => void;

/** Syncs that were asked for and have not ended: the disk is slow until they are ended here. */
export function heldSyncs(): Ended[] {
    const held: Ended[] = [];
    jest.spyOn(fs, 'fdatasync').mockImplementation((_descriptor, ended) => void held.push(ended));
    return held;
}

export async function turns(): Promise<void> {
    for (let i = 0; i < 20; i++) await turn();
}
