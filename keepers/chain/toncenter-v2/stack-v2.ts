import { Cell, type TupleItem } from '@ton/core';
import { z } from 'zod';
import { ChainError } from '../errors';

/** A get method's arguments and results as tonlib writes them in JSON. */

const bytesOf = z.object({ bytes: z.string() });
const elementsOf = z.object({ elements: z.array(z.unknown()).max(1_024) });
const maxDepth = 64;

/** @throws where an entry has a form that is not known */
export function readStackV2(stack: readonly [string, unknown][]): TupleItem[] {
    return stack.map(([type, value]) => readEntry(type, value));
}

function readEntry(type: string, value: unknown): TupleItem {
    switch (type) {
        case 'num':
            return readNumber(value);
        case 'null':
            return { type: 'null' };
        case 'cell':
        case 'slice':
        case 'builder':
            return { type, cell: Cell.fromBase64(bytesOf.parse(value).bytes) };
        case 'tuple':
            return tupleOf(elementsOf.parse(value).elements.map((element) => readElement(element, 0)));
        case 'list':
            return listOf(elementsOf.parse(value).elements.map((element) => readElement(element, 0)));
        default:
            throw new Error(`unknown stack entry ${type.slice(0, 32)}`);
    }
}

const element = z.discriminatedUnion('@type', [
    z.object({ '@type': z.literal('tvm.stackEntryNumber'), number: z.object({ number: z.string() }) }),
    z.object({ '@type': z.literal('tvm.stackEntryCell'), cell: bytesOf }),
    z.object({ '@type': z.literal('tvm.stackEntrySlice'), slice: bytesOf }),
    z.object({ '@type': z.literal('tvm.stackEntryTuple'), tuple: elementsOf }),
    z.object({ '@type': z.literal('tvm.stackEntryList'), list: elementsOf }),
]);

function readElement(value: unknown, depth: number): TupleItem {
    if (depth > maxDepth) throw new Error('a tuple nested too deeply');
    const entry = element.parse(value);
    switch (entry['@type']) {
        case 'tvm.stackEntryNumber':
            return readNumber(entry.number.number);
        case 'tvm.stackEntryCell':
            return { type: 'cell', cell: Cell.fromBase64(entry.cell.bytes) };
        case 'tvm.stackEntrySlice':
            return { type: 'slice', cell: Cell.fromBase64(entry.slice.bytes) };
        case 'tvm.stackEntryTuple':
            return tupleOf(entry.tuple.elements.map((item) => readElement(item, depth + 1)));
        case 'tvm.stackEntryList':
            return listOf(entry.list.elements.map((item) => readElement(item, depth + 1)));
    }
}

/** An empty tuple is how some versions write null. */
export function tupleOf(items: TupleItem[]): TupleItem {
    return items.length === 0 ? { type: 'null' } : { type: 'tuple', items };
}

/** tonlib writes nested pairs that end in null as a list: here they are pairs again, as the machine has them. */
function listOf(items: TupleItem[]): TupleItem {
    return items.reduceRight<TupleItem>((rest, item) => ({ type: 'tuple', items: [item, rest] }), { type: 'null' });
}

/** Hexadecimal or decimal, with a sign. */
function readNumber(value: unknown): TupleItem {
    if (value === 'NaN') return { type: 'nan' };
    const match = typeof value === 'string' ? /^(-?)(0x[0-9a-f]{1,65}|\d{1,78})$/i.exec(value) : null;
    if (match === null) throw new Error('a number that is none');
    const absolute = BigInt(match[2]!);
    return { type: 'int', value: match[1] === '-' ? -absolute : absolute };
}

/** @throws ChainError `rpc_refused` for what this API can't be given */
export function writeStackV2(args: readonly TupleItem[]): [string, string][] {
    return args.map((item) => {
        switch (item.type) {
            case 'int':
                return ['num', item.value.toString()];
            case 'cell':
                return ['tvm.Cell', item.cell.toBoc().toString('base64')];
            case 'slice':
                return ['tvm.Slice', item.cell.toBoc().toString('base64')];
            case 'builder':
                return ['tvm.Builder', item.cell.toBoc().toString('base64')];
            default:
                throw new ChainError('rpc_refused', `toncenter takes no ${item.type} as an argument`);
        }
    });
}
