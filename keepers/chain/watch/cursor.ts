/** The last transaction that was handled. Its hash ties what follows to it: a history without it is another one. */
export interface Cursor {
    lt: bigint;
    /** 32 bytes; null where only the logical time is known, then the time alone is compared. */
    hash: Buffer | null;
}

/** From the beginning of an account. */
export const beginning: Cursor = { lt: 0n, hash: null };

/** Where a cursor outlives the process: saved after what it names was handled. */
export interface CursorStore {
    load(): Promise<Cursor | null>;
    save(cursor: Cursor): Promise<void>;
}
