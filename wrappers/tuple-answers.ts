import { Cell, type ContractProvider, type TupleItem, TupleReader } from '@ton/core';

/**
 * A provider for getters whose answer is a tuple. `TonClient` of @ton/ton gives what is inside of one as bare values where
 * every other provider gives stack items, and the generated bindings read nothing else.
 */
export function withTupleItems(provider: ContractProvider): ContractProvider {
    const get: ContractProvider['get'] = async (...asked) => {
        const answer = await provider.get(...asked);
        const items: TupleItem[] = [];
        while (answer.stack.remaining > 0) items.push(itemOf(answer.stack.pop()));
        return { ...answer, stack: new TupleReader(items) };
    };
    return Object.assign(Object.create(provider) as ContractProvider, { get });
}

function itemOf(value: unknown): TupleItem {
    if (typeof value === 'bigint') return { type: 'int', value };
    if (value instanceof Cell) return { type: 'cell', cell: value };
    // What is empty, or nothing, is the same on the stack.
    if (Array.isArray(value))
        return value.length === 0 ? { type: 'null' } : { type: 'tuple', items: value.map(itemOf) };
    const item = value as TupleItem;
    return item.type === 'tuple' ? { type: 'tuple', items: item.items.map(itemOf) } : item;
}
