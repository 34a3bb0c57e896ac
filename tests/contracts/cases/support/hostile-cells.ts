import { Address, beginCell, Cell } from '@ton/core';
import { storeSettle } from '../../../../build/Payout/Payout_Payout';
import { SettlementEnvironment } from '../../support/settlement-environment';

/** The body of a Settle with lines as no wrapper would build them. */
export function settleBody(env: SettlementEnvironment, lines: Cell, escrow: Address = env.escrow.address): Cell {
    const message = { queryId: 0n, escrow, epoch: BigInt(env.epoch), lines };
    return beginCell()
        .store(storeSettle({ $$type: 'Settle', ...message }))
        .endCell();
}

/** A line, and behind it whatever the attacker likes. */
export function followedBy(line: Cell, next: Cell): Cell {
    return beginCell().storeSlice(line.beginParse()).storeRef(next).endCell();
}

/** A chain of different cells: what costs most to forward. */
export function ballast(cells: number): Cell {
    let chain = beginCell().storeUint(0, 8).endCell();
    for (let i = 0; i < cells; i += 1) chain = beginCell().storeUint(i, 1000).storeRef(chain).endCell();
    return chain;
}
