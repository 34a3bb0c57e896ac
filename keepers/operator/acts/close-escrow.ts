import { z } from 'zod';
import { type ActPlan, planMessage } from '../act';
import { defineAct } from '../define-act';
import { openEscrowOf, requireActive } from '../network-addresses';
import { describeEscrow, escrowChoice, type EscrowView } from './show-escrow';

export const closeEscrow = defineAct({
    name: 'close-escrow',
    purpose: 'Starts the close delay of your escrow, after which everything uncharged can be withdrawn',
    args: z.strictObject(escrowChoice),
    async plan(context, choice): Promise<ActPlan<EscrowView>> {
        const escrow = await openEscrowOf(context, choice);
        await requireActive(context, escrow.address, 'escrow', 'open-escrow');
        const { phase, closeDelaySec } = await escrow.getState();
        const message = () => planMessage(context.sender.address, 'start closing', (via) => escrow.sendClose(via));
        return {
            title: phase === 'open' ? 'Close the escrow' : `The escrow is ${phase} already`,
            summary: [`escrow ${escrow.address}`, `receipts are accepted for ${closeDelaySec} s after closing`],
            messages: phase === 'open' ? [await message()] : [],
            readBack: async () => {
                const state = await escrow.getState();
                return state.phase === 'open' ? null : { address: escrow.address, ...state };
            },
            describe: describeEscrow,
        };
    },
});
