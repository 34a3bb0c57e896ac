import { beginCell, Cell, Slice } from '@ton/core';
import { Cap } from './cap';
import { StatementError } from './errors';
import { decodeReceiptTail, encodeReceiptTail, Receipt, ReceiptTail, receiptTailBytes } from './receipt';
import { bytes32, checkUint96, fixedBytes } from './statement-fields';

/** A batch stays within TVM's ten free signature checks; the hub refuses one line more. */
export const maxSettlementLines = 10;

/** A receipt with the cap that allows it; scope fields are not repeated on chain, so any superset of these will do. */
export interface SettlementLine {
    receipt: Receipt | ReceiptTail;
    /** of `receiptDigest`, by the node under the suite of its key, 64 bytes */
    nodeSignature: Buffer;
    cap: Cap | CapTail;
    /** of `capDigest`, by the session key, always Ed25519, 64 bytes */
    capSignature: Buffer;
}

export type CapTail = Pick<Cap, 'nodeKey' | 'cumulativeNano' | 'requestHash'>;

/** What a settlement cell holds of a line: everything but the scope, which the Settle message and the escrow know. */
export interface ParsedSettlementLine {
    receipt: ReceiptTail;
    nodeSignature: Buffer;
    cap: CapTail;
    capSignature: Buffer;
}

/**
 * The `lines` cell of Settle, first line outermost.
 * @throws StatementError when there are no lines, more than ten, or a field does not fit
 */
export function buildSettlementLines(lines: readonly SettlementLine[]): Cell {
    if (lines.length === 0) throw new StatementError('settlement_empty', 'a settlement needs at least one line');
    if (lines.length > maxSettlementLines) {
        throw new StatementError(
            'settlement_too_many_lines',
            `${lines.length} lines, ${maxSettlementLines} are allowed`,
        );
    }
    let next: Cell | null = null;
    for (const line of [...lines].reverse()) next = buildLine(line, next);
    return next!;
}

/**
 * Lines by the last 64 bits of their nodes' keys: the order in which an escrow takes them at the least gas. Any order is
 * valid; where the balance does not last, the first lines are paid.
 */
export function inTagOrder<L extends { receipt: { nodeKey: Buffer } }>(lines: readonly L[]): L[] {
    return [...lines].sort((a, b) => Buffer.compare(a.receipt.nodeKey.subarray(24), b.receipt.nodeKey.subarray(24)));
}

function buildLine(line: SettlementLine, next: Cell | null): Cell {
    if (!line.cap.nodeKey.equals(line.receipt.nodeKey)) {
        throw new StatementError('statement_field_invalid', 'cap and receipt name different nodes');
    }
    const cell = beginCell().storeBuffer(encodeReceiptTail(line.receipt)).storeRef(buildProof(line));
    return (next === null ? cell : cell.storeRef(next)).endCell();
}

function buildProof(line: SettlementLine): Cell {
    const capSignature = beginCell().storeBuffer(fixedBytes('capSignature', line.capSignature, 64));
    return beginCell()
        .storeBuffer(fixedBytes('nodeSignature', line.nodeSignature, 64))
        .storeUint(checkUint96('cap cumulativeNano', line.cap.cumulativeNano), 96)
        .storeBuffer(bytes32('requestHash', line.cap.requestHash))
        .storeRef(capSignature.endCell())
        .endCell();
}

/**
 * The lines of a Settle or Charge, in order; strict: anything the hub would call a bad line for its shape is refused.
 * @throws StatementError when the cell is not a chain of one to ten well-formed lines
 */
export function parseSettlementLines(cell: Cell): ParsedSettlementLine[] {
    const lines: ParsedSettlementLine[] = [];
    for (let at: Cell | null = cell; at !== null;) {
        if (lines.length === maxSettlementLines) {
            throw new StatementError('settlement_too_many_lines', `more than ${maxSettlementLines} lines`);
        }
        const slice: Slice = openExact(at, { bits: receiptTailBytes * 8, minRefs: 1, maxRefs: 2 });
        lines.push(parseLine(slice));
        at = slice.remainingRefs === 0 ? null : slice.loadRef();
    }
    return lines;
}

function parseLine(slice: Slice): ParsedSettlementLine {
    const receipt = decodeReceiptTail(slice.loadBuffer(receiptTailBytes));
    const proof = openExact(slice.loadRef(), { bits: 864, minRefs: 1, maxRefs: 1 });
    const nodeSignature = proof.loadBuffer(64);
    const cumulativeNano = proof.loadUintBig(96);
    const requestHash = proof.loadBuffer(32);
    const capSignature = openExact(proof.loadRef(), { bits: 512, minRefs: 0, maxRefs: 0 }).loadBuffer(64);
    return { receipt, nodeSignature, cap: { nodeKey: receipt.nodeKey, cumulativeNano, requestHash }, capSignature };
}

function openExact(cell: Cell, shape: { bits: number; minRefs: number; maxRefs: number }): Slice {
    const fits =
        cell.bits.length === shape.bits && cell.refs.length >= shape.minRefs && cell.refs.length <= shape.maxRefs;
    if (!cell.isExotic && fits) return cell.beginParse();
    throw new StatementError(
        'settlement_malformed',
        `a cell of ${cell.bits.length} bits and ${cell.refs.length} references where ${shape.bits} bits belong`,
    );
}
