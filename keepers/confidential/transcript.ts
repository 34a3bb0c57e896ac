import { createHash, type Hash } from 'node:crypto';

/** T: SHA256("CTrn" | h | all wire bytes so far), readable at any frame. */
export class Transcript {
    private readonly hash: Hash;

    constructor(requestHash: Buffer) {
        this.hash = createHash('sha256').update('CTrn', 'latin1').update(requestHash);
    }

    add(wire: Buffer): void {
        this.hash.update(wire);
    }

    value(): Buffer {
        return this.hash.copy().digest();
    }
}
