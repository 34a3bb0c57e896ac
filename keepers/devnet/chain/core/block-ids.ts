import { createHash } from 'node:crypto';

export const masterchain = -1;
export const basechain = 0;
/** The one shard of each workchain, as toncenter writes it (a signed 64-bit number). */
export const wholeShard = '-9223372036854775808';

export interface BlockId {
    workchain: number;
    seqno: number;
    rootHash: Buffer;
    fileHash: Buffer;
}

/** Blocks are virtual: their hashes follow from the network's seed, so a restart or a replay names the same blocks. */
export class BlockIds {
    private readonly cache = new Map<number, BlockId>();

    constructor(private readonly seed: string) {}

    masterchainBlock(seqno: number): BlockId {
        const known = this.cache.get(seqno);
        if (known !== undefined) return known;
        const id = this.blockId(masterchain, seqno);
        if (this.cache.size > 4_096) this.cache.clear();
        this.cache.set(seqno, id);
        return id;
    }

    blockId(workchain: number, seqno: number): BlockId {
        return {
            workchain,
            seqno,
            rootHash: this.hash('root', workchain, seqno),
            fileHash: this.hash('file', workchain, seqno),
        };
    }

    /** What TVM's random generator starts from in this block. */
    randomSeed(seqno: number): Buffer {
        return this.hash('random', masterchain, seqno);
    }

    private hash(kind: string, workchain: number, seqno: number): Buffer {
        return createHash('sha256').update(`${this.seed}|${kind}|${workchain}|${seqno}`).digest();
    }
}
