import { beginCell, Cell, Slice } from '@ton/core';
import { buildSettlementLines, capDigest, Receipt, receiptDigest, sha256 } from '../../wrappers';
import { testKey, TestKey } from '../contracts/support/ed25519';
import { LineFacts } from './model/letter';
import { LineChoice } from './operation';
import { NodeSigner } from './scene';

export interface LinePlace {
    network: Buffer;
    escrow: Buffer;
    /** raw address of the escrow */
    escrowName: string;
    epoch: number;
}

/** Dearer to forward than all that a settlement costs. */
const paddingCells = 80;

const forger = testKey('soak forger');

/** A line as chosen: its cell without successor, and who signed what in it. */
export function makeLine(place: LinePlace, choice: LineChoice, node: NodeSigner, session: TestKey, paidNano: bigint) {
    const { flaw } = choice;
    const cumulativeNano = atLeast0(paidNano + BigInt(choice.addNano));
    const capNano = atLeast0(cumulativeNano + BigInt(choice.capOverNano));
    const elsewhere = sha256(Buffer.from('elsewhere'));
    const receiptScope = {
        network: flaw === 'other network' ? elsewhere : place.network,
        escrow: flaw === 'other escrow' ? elsewhere : place.escrow,
        epoch: place.epoch + (flaw === 'other epoch' ? 1 : 0),
    };
    const capScope = {
        network: place.network,
        escrow: flaw === 'cap of other escrow' ? elsewhere : place.escrow,
        epoch: place.epoch + (flaw === 'cap of other epoch' ? 1 : 0),
    };
    const receipt: Receipt = {
        ...receiptScope,
        nodeKey: node.publicKey,
        sessionKey: session.publicKey,
        sequence: 1,
        costNano: cumulativeNano,
        cumulativeNano,
        reference: Buffer.alloc(32, 7),
    };
    const cap = { ...capScope, nodeKey: node.publicKey, cumulativeNano: capNano, requestHash: Buffer.alloc(32, 9) };
    const nodeSigner = flaw === 'node forged' ? forger : node;
    const capSigner = flaw === 'cap forged' ? forger : session;
    const cell = buildSettlementLines([
        {
            receipt,
            nodeSignature: nodeSigner.sign(receiptDigest(receipt)),
            cap,
            capSignature: capSigner.sign(capDigest(cap)),
        },
    ]);
    const isElsewhere = flaw === 'other network' || flaw === 'other escrow';
    const facts: LineFacts = {
        nodeKey: hex(node.publicKey),
        sessionKey: hex(session.publicKey),
        cumulativeNano,
        capNano,
        receiptScope: { escrow: isElsewhere ? 'elsewhere' : place.escrowName, epoch: receiptScope.epoch },
        receiptSigner: hex(nodeSigner.publicKey),
        capScope: { escrow: flaw === 'cap of other escrow' ? 'elsewhere' : place.escrowName, epoch: capScope.epoch },
        capSigner: hex(capSigner.publicKey),
        isMalformed: flaw === 'too long' || flaw === 'too short' || flaw === 'padded',
        isPadded: flaw === 'padded',
    };
    return { cell: misshapen(cell, flaw), facts };
}

/** First line outermost. */
export function chainLines(cells: readonly Cell[]): Cell {
    let next: Cell | null = null;
    for (const cell of [...cells].reverse()) {
        const builder = beginCell().storeSlice(cell.beginParse());
        next = (next === null ? builder : builder.storeRef(next)).endCell();
    }
    return next!;
}

function misshapen(cell: Cell, flaw: LineChoice['flaw']): Cell {
    const slice = cell.beginParse();
    if (flaw === 'too long') return beginCell().storeSlice(slice).storeUint(1, 8).endCell();
    if (flaw === 'padded')
        return beginCell().storeBits(slice.loadBits(slice.remainingBits)).storeRef(padded(slice)).endCell();
    if (flaw !== 'too short') return cell;
    const bits = slice.loadBits(slice.remainingBits - 8);
    return beginCell().storeBits(bits).storeRef(slice.loadRef()).endCell();
}

export function hex(bytes: Buffer): string {
    return bytes.toString('hex');
}

function atLeast0(amount: bigint): bigint {
    return amount > 0n ? amount : 0n;
}

/** The proof, with a long tail behind it. */
function padded(line: Slice): Cell {
    let tail = Cell.EMPTY;
    for (let i = 0; i < paddingCells; i += 1) tail = beginCell().storeUint(i, 1000).storeRef(tail).endCell();
    return beginCell().storeSlice(line.loadRef().beginParse()).storeRef(tail).endCell();
}
