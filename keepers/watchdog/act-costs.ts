import type { OpenedContract } from '@ton/core';
import type { Payout } from '../../wrappers';
import type { WatchAct } from './decide-acts';

/** Gas of each act beside that of settling one line, by the gas table: what the act costs at any prices follows. */
const gas: Record<WatchAct['kind'], bigint> = { slash: 31_103n, recheck: 74_573n, prune: 12_372n, claim: 14_057n };
const settleOneLineGas = 44_368n;

/** What each act costs at the chain's present prices, by the hub's own bound for a settlement. */
export async function actCostNano(hub: OpenedContract<Payout>): Promise<(kind: WatchAct['kind']) => bigint> {
    const lineNano = await hub.getSettleCost(1);
    return (kind) => (lineNano * gas[kind]) / settleOneLineGas;
}
