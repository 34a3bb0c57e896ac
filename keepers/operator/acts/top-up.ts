import { z } from 'zod';
import { formatTon } from '../../base';
import type { EscrowState } from '../../../wrappers';
import { type ActPlan, planMessage } from '../act';
import { defineAct } from '../define-act';
import { OperatorError } from '../errors';
import { address, positiveNano } from '../fields';
import { openEscrowOf, requireActive } from '../network-addresses';
import { describeEscrow, escrowChoice, type EscrowView } from './show-escrow';

export const topUp = defineAct({
    name: 'top-up',
    purpose: 'Raises an escrow’s balance to an amount, sending only what is missing',
    args: z.strictObject({
        ...escrowChoice,
        client: address.optional().describe('the client; your wallet unless given'),
        balanceNano: positiveNano.describe('the balance afterwards, at least'),
    }),
    async plan(context, { balanceNano, ...choice }): Promise<ActPlan<EscrowView>> {
        const escrow = await openEscrowOf(context, choice);
        await requireActive(context, escrow.address, 'escrow', 'open-escrow');
        const before = await escrow.getState();
        if (before.phase === 'closed') throw new OperatorError('not_ready', 'the escrow is closed: run open-escrow');
        const missing = balanceNano - before.balanceNano;
        const message = async () => {
            const valueNano = missing + (await escrow.getTopUpFee());
            const what = `add ${formatTon(missing)} TON to the balance`;
            return planMessage(context.sender.address, what, (via) => escrow.sendTopUp(via, { valueNano }));
        };
        return {
            title: missing > 0n ? 'Top the escrow up' : 'The balance is there already',
            summary: [`escrow ${escrow.address}`, `balance at least ${formatTon(balanceNano)} TON`],
            messages: missing > 0n ? [await message()] : [],
            readBack: async () => {
                const state = await escrow.getState();
                // Charges may come in between, so what was ever in it counts, not what is left.
                const arrived = missing <= 0n || everDeposited(state) >= everDeposited(before) + missing;
                return arrived ? { address: escrow.address, ...state } : null;
            },
            describe: describeEscrow,
        };
    },
});

function everDeposited(state: EscrowState): bigint {
    return [...state.paidNano.values()].reduce((sum, paid) => sum + paid, state.balanceNano);
}
