import { Cell, type TupleItem } from '@ton/core';
import { z } from 'zod';
import { ChainError } from '../errors';

/** A get method's arguments and results in toncenter's JSON. */

const maxDepth = 64;
const bytesObject = z.object({ bytes: z.string() });
const elementsObject = z.object({ elements: z.array(z.unknown()).max(255) });
export const stackParam = z.array(z.tuple([z.string(), z.unknown()])).max(255);

export function readStack(stack: z.output<typeof stackParam>): TupleItem[] {
    return stack.map(([type, value]) => readEntry(type, value));
}

function readEntry(type: string, value: unknown): TupleItem {
    switch (type) {
        case 'num':
        case 'int':
            return { type: 'int', value: readInt(value) };
        case 'null':
            return { type: 'null' };
        case 'cell':
        case 'tvm.Cell':
            return { type: 'cell', cell: readCell(value) };
        case 'slice':
        case 'tvm.Slice':
            return { type: 'slice', cell: readCell(value) };
        case 'builder':
        case 'tvm.Builder':
            return { type: 'builder', cell: readCell(value) };
        case 'tuple':
        case 'tvm.Tuple':
            return { type: 'tuple', items: readElements(value) };
        default:
            throw malformed(`unknown type of stack entry "${type.slice(0, 32)}"`);
    }
}

function readElements(value: unknown): TupleItem[] {
    const parsed = elementsObject.safeParse(value);
    if (!parsed.success) throw malformed('a tuple needs its elements');
    return parsed.data.elements.map((element) => readTonlibEntry(element, 0));
}

const tonlibEntry = z.discriminatedUnion('@type', [
    z.object({ '@type': z.literal('tvm.stackEntryNumber'), number: z.object({ number: z.string() }) }),
    z.object({ '@type': z.literal('tvm.stackEntryCell'), cell: bytesObject }),
    z.object({ '@type': z.literal('tvm.stackEntrySlice'), slice: bytesObject }),
    z.object({ '@type': z.literal('tvm.stackEntryTuple'), tuple: elementsObject }),
    z.object({ '@type': z.literal('tvm.stackEntryList'), list: elementsObject }),
]);

function readTonlibEntry(value: unknown, depth: number): TupleItem {
    if (depth > maxDepth) throw malformed('nested too deeply');
    const parsed = tonlibEntry.safeParse(value);
    if (!parsed.success) throw malformed('unknown element of a tuple');
    const entry = parsed.data;
    switch (entry['@type']) {
        case 'tvm.stackEntryNumber':
            return { type: 'int', value: readInt(entry.number.number) };
        case 'tvm.stackEntryCell':
            return { type: 'cell', cell: readCell(entry.cell) };
        case 'tvm.stackEntrySlice':
            return { type: 'slice', cell: readCell(entry.slice) };
        case 'tvm.stackEntryTuple':
            return { type: 'tuple', items: entry.tuple.elements.map((item) => readTonlibEntry(item, depth + 1)) };
        case 'tvm.stackEntryList':
            return readList(entry.list.elements, depth);
    }
}

/** A list is nested pairs that end in null. */
function readList(elements: unknown[], depth: number): TupleItem {
    return elements.reduceRight<TupleItem>(
        (rest, element) => ({ type: 'tuple', items: [readTonlibEntry(element, depth + 1), rest] }),
        { type: 'null' },
    );
}

/** Decimal or hexadecimal, with a sign. */
function readInt(value: unknown): bigint {
    const text = typeof value === 'number' && Number.isSafeInteger(value) ? String(value) : value;
    const match = typeof text === 'string' ? /^(-?)(0x[0-9a-fA-F]{1,64}|\d{1,78})$/.exec(text) : null;
    if (match === null) throw malformed('a number must be an integer, decimal or with 0x');
    const result = match[1] === '-' ? -BigInt(match[2]!) : BigInt(match[2]!);
    if (result < -(2n ** 256n) || result >= 2n ** 256n) throw malformed('a number must fit in 257 bits');
    return result;
}

function readCell(value: unknown): Cell {
    const parsed = z.union([z.string(), bytesObject.transform(({ bytes }) => bytes)]).safeParse(value);
    if (!parsed.success) throw malformed('a cell must be a bag of cells in base64');
    try {
        return Cell.fromBase64(parsed.data);
    } catch (error) {
        throw new ChainError('malformed_request', 'stack: a cell must be a bag of cells in base64', error);
    }
}

function malformed(reason: string): ChainError {
    return new ChainError('malformed_request', `stack: ${reason}`);
}

/** `["num", "0x1f"]` and its like; null is an empty list, as in toncenter. */
export function writeStack(items: TupleItem[]): [string, unknown][] {
    return items.map(writeItem);
}

function writeItem(item: TupleItem): [string, unknown] {
    switch (item.type) {
        case 'int':
            return ['num', writeHex(item.value)];
        case 'nan':
            return ['num', 'NaN'];
        case 'null':
            return ['list', { '@type': 'tvm.list', elements: [] }];
        case 'tuple':
            return ['tuple', { '@type': 'tvm.tuple', elements: item.items.map(writeTonlibEntry) }];
        default:
            return [item.type, { bytes: writeCell(item.cell) }];
    }
}

function writeTonlibEntry(item: TupleItem): Record<string, unknown> {
    switch (item.type) {
        case 'int':
            return tonlib('Number', { '@type': 'tvm.numberDecimal', number: item.value.toString() });
        case 'nan':
            return tonlib('Number', { '@type': 'tvm.numberDecimal', number: 'NaN' });
        case 'null':
            return tonlib('List', { '@type': 'tvm.list', elements: [] });
        case 'tuple':
            return tonlib('Tuple', { '@type': 'tvm.tuple', elements: item.items.map(writeTonlibEntry) });
        case 'slice':
            return tonlib('Slice', { '@type': 'tvm.slice', bytes: writeCell(item.cell) });
        default:
            return tonlib('Cell', { '@type': 'tvm.cell', bytes: writeCell(item.cell) });
    }
}

function tonlib(kind: string, value: unknown): Record<string, unknown> {
    return { '@type': `tvm.stackEntry${kind}`, [kind.toLowerCase()]: value };
}

function writeHex(value: bigint): string {
    return value < 0n ? `-0x${(-value).toString(16)}` : `0x${value.toString(16)}`;
}

function writeCell(cell: Cell): string {
    return cell.toBoc().toString('base64');
}
