import { beginCell, Cell } from '@ton/core';
import type { BlockId, BlockIds } from './block-ids';

const listLength = 16;
const keyBlockSeqno = 0;
const wholeShardAsTvmInt = -(2n ** 63n);

/** vm_stk_tuple#07 len:(## 16) data:(VmTuple len), from cells that each hold one VmStackValue. */
function tupleCell(entries: Cell[]): Cell {
    const tail = entries.at(-1);
    let head: Cell | undefined;
    for (const entry of entries.slice(0, -1)) {
        head = head === undefined ? entry : beginCell().storeRef(head).storeRef(entry).endCell();
    }
    const builder = beginCell().storeUint(0x07, 8).storeUint(entries.length, 16);
    if (head !== undefined) builder.storeRef(head);
    if (tail !== undefined) builder.storeRef(tail);
    return builder.endCell();
}

function intCell(value: bigint): Cell {
    const isTiny = value >= -(2n ** 63n) && value < 2n ** 63n;
    return isTiny
        ? beginCell().storeUint(0x01, 8).storeInt(value, 64).endCell()
        : beginCell().storeUint(0x0100, 15).storeInt(value, 257).endCell();
}

function blockTuple(id: BlockId): Cell {
    const hashInt = (hash: Buffer) => BigInt(`0x${hash.toString('hex')}`);
    const fields = [
        BigInt(id.workchain),
        wholeShardAsTvmInt,
        BigInt(id.seqno),
        hashInt(id.rootHash),
        hashInt(id.fileHash),
    ];
    return tupleCell(fields.map(intCell));
}

/** Seqnos from `from` downwards in steps, never below the first block. */
function seqnosDown(from: number, step: number): number[] {
    const seqnos: number[] = [];
    for (let seqno = from; seqno >= 0 && seqnos.length < listLength; seqno -= step) seqnos.push(seqno);
    return seqnos;
}

/**
 * What PREVMCBLOCKS, PREVKEYBLOCK and PREVMCBLOCKS_100 answer: `[last 16 blocks, key block, last 16 blocks divisible by
 * 100]`, newest first, from `head` (the newest finished masterchain block) down. Encoded here instead of by the sandbox,
 * which builds three hundred cells for every transaction: a block's cell is kept, and consecutive heads share all but one.
 */
export class PrevBlocksEncoder {
    private readonly blocks = new Map<number, Cell>();
    private last: { head: number; boc: string } | undefined;

    constructor(private readonly ids: BlockIds) {}

    /** A BOC in base64 whose root is the VmStackValue. */
    encode(head: number): string {
        if (this.last?.head === head) return this.last.boc;
        if (this.blocks.size > 1_024) this.blocks.clear();
        const root = tupleCell([
            tupleCell(seqnosDown(head, 1).map((seqno) => this.block(seqno))),
            this.block(keyBlockSeqno),
            tupleCell(seqnosDown(head - (head % 100), 100).map((seqno) => this.block(seqno))),
        ]);
        this.last = { head, boc: root.toBoc({ idx: false, crc32: false }).toString('base64') };
        return this.last.boc;
    }

    private block(seqno: number): Cell {
        const known = this.blocks.get(seqno);
        if (known !== undefined) return known;
        const cell = blockTuple(this.ids.masterchainBlock(seqno));
        this.blocks.set(seqno, cell);
        return cell;
    }
}
