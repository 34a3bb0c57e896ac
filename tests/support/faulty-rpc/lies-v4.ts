import { Cell, parseTuple, serializeTuple, type TupleItem } from '@ton/core';
import { bagOfRoots } from '../../../keepers/devnet/chain/http-v4/bag-of-roots';
import type { Fault } from './faults';
import { strangeCell } from './lies-v2';

type Json = Record<string, unknown>;

/** An answer of TonClient4's API with the lie in it; unchanged where the lie does not fit. */
export function lieV4(fault: Fault, method: string, answer: Json): Json {
    if (fault === 'unknown-schema') return { version: 5, payload: answer };
    if (method === 'v4:tx' && typeof answer['boc'] === 'string') return lieInTransactions(fault, answer);
    if (method === 'v4:run' && fault === 'other-value') return otherResult(answer);
    if (method === 'v4:config' && fault === 'unknown-constructor') {
        return { ...answer, config: { ...(answer['config'] as Json), cell: strangeCell } };
    }
    if (method === 'v4:account' && 'account' in answer) return { ...answer, account: lieInAccount(fault, answer) };
    return answer;
}

function lieInAccount(fault: Fault, answer: Json): Json {
    const account = answer['account'] as Json;
    const { balance, last } = account as { balance: { coins: string }; last: Json | null };
    if (fault === 'other-value') {
        return { ...account, balance: { ...balance, coins: (BigInt(balance.coins) * 2n + 1_000_000_000n).toString() } };
    }
    if (fault !== 'wrong-hash' || last === null) return account;
    return { ...account, last: { ...last, hash: Buffer.alloc(32, 7).toString('base64') } };
}

function lieInTransactions(fault: Fault, answer: Json): Json {
    const blocks = answer['blocks'] as unknown[];
    const cells = Cell.fromBoc(Buffer.from(answer['boc'] as string, 'base64'));
    const order = changedOrder(fault, cells.length);
    const changed = fault === 'unknown-constructor' ? cells.map(() => Cell.fromBase64(strangeCell)) : cells;
    return {
        ...answer,
        blocks: order.map((index) => blocks[index]),
        boc: bagOfRoots(order.map((index) => changed[index]!)).toString('base64'),
    };
}

function changedOrder(fault: Fault, length: number): number[] {
    const all = Array.from({ length }, (_, index) => index);
    const middle = Math.floor(length / 2);
    if (fault === 'missing') return all.filter((index) => index !== middle);
    if (fault === 'reordered') return all.reverse();
    return fault === 'duplicated' ? all.flatMap((index) => (index === middle ? [index, index] : [index])) : all;
}

/** The first number is one more than it is. */
function otherResult(answer: Json): Json {
    if (typeof answer['resultRaw'] !== 'string') return answer;
    const items = parseTuple(Cell.fromBase64(answer['resultRaw']));
    const at = items.findIndex(({ type }) => type === 'int');
    const changed = items.map((item, index): TupleItem =>
        index === at && item.type === 'int' ? { type: 'int', value: item.value + 1n } : item,
    );
    return { ...answer, resultRaw: serializeTuple(changed).toBoc().toString('base64') };
}
