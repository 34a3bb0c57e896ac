import type { Address } from '@ton/core';
import { z } from 'zod';
import { formatTon } from '../../base';
import type { EscrowState } from '../../../wrappers';
import { ifActive } from '../account';
import type { ActPlan } from '../act';
import { defineAct } from '../define-act';
import { OperatorError } from '../errors';
import { address, uint32 } from '../fields';
import { isoTime } from '../iso-time';
import { openEscrowOf } from '../network-addresses';

export interface EscrowView extends EscrowState {
    address: Address;
}

/** Which escrow an act is about. */
export const escrowChoice = {
    hub: address.optional().describe('settlement hub; the only one of the deployment file unless given'),
    index: uint32.default(0).describe('number of the escrow; 0 unless given'),
};

export const showEscrow = defineAct({
    name: 'show-escrow',
    purpose: 'Shows an escrow as the chain has it',
    args: z.strictObject({
        ...escrowChoice,
        client: address.optional().describe('the client; your wallet unless given'),
    }),
    async plan(context, choice): Promise<ActPlan<EscrowView>> {
        const escrow = await openEscrowOf(context, choice);
        return {
            title: 'Escrow',
            summary: [],
            messages: [],
            readBack: async () => {
                const state = await ifActive(context, escrow.address, () => escrow.getState());
                if (state) return { address: escrow.address, ...state };
                throw new OperatorError('not_ready', `the escrow ${escrow.address} was never opened: run open-escrow`);
            },
            describe: describeEscrow,
        };
    },
});

export function describeEscrow(view: EscrowView): string[] {
    const paidNano = [...view.paidNano.values()].reduce((sum, amount) => sum + amount, 0n);
    const lines = [
        `escrow ${view.address}`,
        `${view.phase}, epoch ${view.epoch}, balance ${formatTon(view.balanceNano)} TON`,
        `session key ${view.sessionKey.toString('hex')} until ${isoTime(view.sessionExpiresAt)}`,
        `paid ${formatTon(paidNano)} TON to ${view.paidNano.size} node(s) in this epoch`,
    ];
    return [...lines, withdrawalOf(view)];
}

/** How much can be withdrawn, and when. */
function withdrawalOf({ phase, closesAt, closeDelaySec, balanceNano }: EscrowView): string {
    const most = `${formatTon(balanceNano)} TON, less what receipts take until then`;
    if (closesAt !== null) return `can be withdrawn after ${isoTime(closesAt)}: ${most}`;
    return phase === 'closed'
        ? 'nothing to withdraw: run open-escrow to use it again'
        : `can be withdrawn ${closeDelaySec} s after close-escrow: ${most}`;
}
