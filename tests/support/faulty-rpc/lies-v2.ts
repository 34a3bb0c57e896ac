import { beginCell } from '@ton/core';
import type { Fault } from './faults';

type Json = Record<string, unknown>;

/** A toncenter v2 answer with the lie in it; unchanged where the lie does not fit this answer. */
export function lieV2(fault: Fault, method: string, answer: Json): Json {
    if (answer['ok'] !== true) return answer;
    const { result } = answer;
    if (Array.isArray(result)) return { ...answer, result: lieInList(fault, result as Json[]) };
    if (typeof result !== 'object' || result === null) return answer;
    return { ...answer, result: lieInObject(fault, method, result as Json) };
}

/** getTransactions is the only list. */
function lieInList(fault: Fault, list: Json[]): unknown {
    const middle = Math.floor(list.length / 2);
    switch (fault) {
        case 'missing':
            return list.filter((_, index) => index !== middle);
        case 'reordered':
            return [...list].reverse();
        case 'duplicated':
            return list.flatMap((item, index) => (index === middle ? [item, item] : [item]));
        case 'wrong-hash':
            return list.map((item, index) => (index === middle ? withHash(item) : item));
        case 'unknown-schema':
            return list.map(({ data, ...item }) => ({ ...item, transaction: data }));
        case 'unknown-constructor':
            return list.map((item) => ({ ...withHash(item, strangeHash), data: strangeCell }));
        default:
            return list;
    }
}

function withHash(item: Json, hash = Buffer.alloc(32, 7).toString('base64')): Json {
    const id = item['transaction_id'] as Json;
    return { ...item, transaction_id: { ...id, hash } };
}

/** Begins with a tag that no transaction has. */
const strange = beginCell().storeUint(0xf, 4).storeUint(1, 32).endCell();
export const strangeCell = strange.toBoc().toString('base64');
const strangeHash = strange.hash().toString('base64');

function lieInObject(fault: Fault, method: string, result: Json): Json {
    if (fault === 'unknown-schema') return { '@type': 'raw.answerOfTheNextVersion', payload: result };
    if (fault === 'unknown-constructor' && 'config' in result) return { ...result, config: { bytes: strangeCell } };
    if (fault === 'wrong-hash' && 'last_transaction_id' in result) {
        const id = result['last_transaction_id'] as Json;
        return { ...result, last_transaction_id: { ...id, hash: Buffer.alloc(32, 7).toString('base64') } };
    }
    if (fault !== 'other-value') return result;
    if (typeof result['balance'] === 'string') {
        return { ...result, balance: (BigInt(result['balance']) * 2n + 1_000_000_000n).toString() };
    }
    if (method === 'runGetMethod') return { ...result, stack: otherStack(result['stack'] as [string, unknown][]) };
    return result;
}

/** The first number is one more than it is. */
function otherStack(stack: [string, unknown][]): [string, unknown][] {
    const at = stack.findIndex(([type]) => type === 'num');
    return stack.map(([type, value], index) =>
        index === at ? [type, `0x${(BigInt(String(value).replace('-', '')) + 1n).toString(16)}`] : [type, value],
    );
}
