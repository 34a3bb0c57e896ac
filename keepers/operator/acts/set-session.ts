import { z } from 'zod';
import type { EscrowState } from '../../../wrappers';
import { type ActPlan, planMessage } from '../act';
import { defineAct } from '../define-act';
import { OperatorError } from '../errors';
import { isoTime } from '../iso-time';
import { openEscrowOf, requireActive } from '../network-addresses';
import { sessionArguments } from './open-escrow';
import { describeEscrow, escrowChoice, type EscrowView } from './show-escrow';

export const setSession = defineAct({
    name: 'set-session',
    purpose: 'Gives your open escrow another session key, or the same one a longer life',
    args: z.strictObject({ ...escrowChoice, ...sessionArguments }),
    async plan(context, { sessionKey, sessionLifeSec, ...choice }): Promise<ActPlan<EscrowView>> {
        const escrow = await openEscrowOf(context, choice);
        await requireActive(context, escrow.address, 'escrow', 'open-escrow');
        const before = await escrow.getState();
        if (before.phase !== 'open') throw new OperatorError('not_ready', `the escrow is ${before.phase}, not open`);
        const sessionExpiresAt = (await context.nowSec()) + sessionLifeSec;
        // Asked again a little later, the key that was set the first time will do.
        const enough = sessionExpiresAt - Math.floor(sessionLifeSec / 10);
        const isSet = (state: EscrowState) => state.sessionKey.equals(sessionKey) && state.sessionExpiresAt >= enough;
        const message = () =>
            planMessage(
                context.sender.address,
                'set the session key; the replaced one stays good for the close delay',
                (via) => escrow.sendSetSession(via, { sessionKey, sessionExpiresAt }),
            );
        return {
            title: isSet(before) ? 'The session key is set already' : 'Set the session key',
            summary: [
                `escrow ${escrow.address}`,
                `session key ${sessionKey.toString('hex')} until ${isoTime(sessionExpiresAt)}`,
            ],
            messages: isSet(before) ? [] : [await message()],
            readBack: async () => {
                const state = await escrow.getState();
                return isSet(state) ? { address: escrow.address, ...state } : null;
            },
            describe: describeEscrow,
        };
    },
});
