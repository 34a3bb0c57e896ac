/**
 * Bags of cells cut apart and put together again without computing a hash: reading an account of 200 code cells the usual
 * way costs ten times what the transaction does.
 */

interface RawCell {
    /** refs descriptor and bits descriptor */
    head: [number, number];
    data: Buffer;
    refs: number[];
}

const magic = 0xb5ee9c72;

export class RawBoc {
    private constructor(
        private readonly cells: readonly RawCell[],
        readonly root: number,
    ) {}

    static parse(bytes: Buffer): RawBoc {
        if (bytes.readUInt32BE(0) !== magic) throw new Error('not a bag of cells');
        const flags = bytes[4]!;
        const refBytes = flags & 7;
        const offsetBytes = bytes[5]!;
        const count = bytes.readUIntBE(6, refBytes);
        const roots = bytes.readUIntBE(6 + refBytes, refBytes);
        let at = 6 + 3 * refBytes + offsetBytes;
        const root = bytes.readUIntBE(at, refBytes);
        at += roots * refBytes + ((flags & 0x80) !== 0 ? count * offsetBytes : 0);
        const cells: RawCell[] = [];
        for (let i = 0; i < count; i += 1) {
            const head: [number, number] = [bytes[at]!, bytes[at + 1]!];
            const dataBytes = Math.ceil(head[1] / 2);
            const data = bytes.subarray(at + 2, at + 2 + dataBytes);
            at += 2 + dataBytes;
            const refs: number[] = [];
            for (let r = 0; r < (head[0] & 7); r += 1, at += refBytes) refs.push(bytes.readUIntBE(at, refBytes));
            cells.push({ head, data, refs });
        }
        return new RawBoc(cells, root);
    }

    /** Whole bytes, padding included. */
    data(cell: number): Buffer {
        return this.cells[cell]!.data;
    }

    refs(cell: number): readonly number[] {
        return this.cells[cell]!.refs;
    }

    /** The bag of this cell and all below it. */
    encode(root: number): Buffer {
        const order: number[] = [];
        const place = new Map<number, number>();
        // A cell comes before those it refers to: indices of a bag rise along every reference.
        const reached = new Set([root]);
        for (let i = root; i < this.cells.length; i += 1) {
            if (!reached.has(i)) continue;
            place.set(i, order.length);
            order.push(i);
            for (const ref of this.cells[i]!.refs) reached.add(ref);
        }
        const body = Buffer.concat(order.map((i) => this.encodeCell(this.cells[i]!, place)));
        const header = Buffer.alloc(4 + 2 + 6 + 3 + 2);
        header.writeUInt32BE(magic, 0);
        header[4] = 2; // two-byte references, no index, no checksum
        header[5] = 3;
        header.writeUInt16BE(order.length, 6);
        header.writeUInt16BE(1, 8);
        header.writeUInt16BE(0, 10);
        header.writeUIntBE(body.length, 12, 3);
        header.writeUInt16BE(0, 15);
        return Buffer.concat([header, body]);
    }

    private encodeCell({ head, data, refs }: RawCell, place: ReadonlyMap<number, number>): Buffer {
        const bytes = Buffer.alloc(2 + data.length + 2 * refs.length);
        bytes[0] = head[0];
        bytes[1] = head[1];
        data.copy(bytes, 2);
        refs.forEach((ref, i) => bytes.writeUInt16BE(place.get(ref)!, 2 + data.length + 2 * i));
        return bytes;
    }
}
