import { Cell, type TupleItem, TupleReader } from '@ton/core';
import { ChainError } from './errors';

/**
 * TonClient leaves what lies inside a tuple as bare values, which TupleReader then refuses to read; every structure
 * that a get method returns as optional arrives so. This gives those values their types back.
 */
export function typedStack(stack: TupleReader): TupleReader {
    const items: TupleItem[] = [];
    while (stack.remaining > 0) {
        const item = stack.pop();
        items.push(item.type === 'tuple' ? { type: 'tuple', items: item.items.map(typedItem) } : item);
    }
    return new TupleReader(items);
}

/** An empty tuple is how tonlib writes null. A slice can't be told from a cell, and is read like one. */
function typedItem(value: unknown): TupleItem {
    if (typeof value === 'bigint') return { type: 'int', value };
    if (value instanceof Cell) return { type: 'cell', cell: value };
    if (Array.isArray(value))
        return value.length === 0 ? { type: 'null' } : { type: 'tuple', items: value.map(typedItem) };
    throw new ChainError('rpc_malformed', 'A get method returned a tuple with an element of unknown type');
}
