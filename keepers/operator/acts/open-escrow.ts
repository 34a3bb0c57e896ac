import { z } from 'zod';
import { formatTon } from '../../base';
import { type EscrowState, openAllowanceNano } from '../../../wrappers';
import { ifActive } from '../account';
import { type ActPlan, planMessage } from '../act';
import { defineAct } from '../define-act';
import { OperatorError } from '../errors';
import { bytes, positiveNano, uint32 } from '../fields';
import { isoTime } from '../iso-time';
import { openEscrowOf } from '../network-addresses';
import { describeEscrow, escrowChoice, type EscrowView } from './show-escrow';

const defaultSessionLifeSec = 30 * 86_400;

/** On top of the exact fee, for storage that falls due while the message travels; joins the deposit. */
const driftNano = 10_000_000n;

export const sessionArguments = {
    sessionKey: bytes(32).describe('Ed25519 public key of the gateway’s session, hex'),
    sessionLifeSec: uint32
        .default(defaultSessionLifeSec)
        .describe('seconds the session key is good for; 30 days unless given'),
};

export const openEscrow = defineAct({
    name: 'open-escrow',
    purpose: 'Opens your escrow at a hub with a deposit and a session key',
    args: z.strictObject({
        ...escrowChoice,
        ...sessionArguments,
        depositNano: positiveNano.describe('the deposit, at least; fees come on top'),
    }),
    async plan(context, { depositNano, sessionKey, sessionLifeSec, ...choice }): Promise<ActPlan<EscrowView>> {
        const escrow = await openEscrowOf(context, choice);
        const state = await ifActive(context, escrow.address, () => escrow.getState());
        const isOpen = state !== null && state.phase !== 'closed';
        if (isOpen) requireSameSession(state, sessionKey);
        const sessionExpiresAt = isOpen ? state.sessionExpiresAt : (await context.nowSec()) + sessionLifeSec;
        const message = async () => {
            const feeNano = state === null ? openAllowanceNano : (await escrow.getOpenFee()) + driftNano;
            const options = { sessionKey, sessionExpiresAt, valueNano: depositNano + feeNano };
            return planMessage(
                context.sender.address,
                `open with ${formatTon(depositNano)} TON, the rest is for fees`,
                (via) => escrow.sendOpen(via, options),
            );
        };
        return {
            title: isOpen ? 'The escrow is open already' : 'Open the escrow',
            summary: [
                `escrow ${escrow.address}`,
                `session key ${sessionKey.toString('hex')} until ${isoTime(sessionExpiresAt)}`,
            ],
            messages: isOpen ? [] : [await message()],
            readBack: async () => {
                const now = await ifActive(context, escrow.address, () => escrow.getState());
                return now !== null && now.phase !== 'closed' ? { address: escrow.address, ...now } : null;
            },
            describe: describeEscrow,
        };
    },
});

function requireSameSession(state: EscrowState, sessionKey: Buffer): void {
    if (state.phase === 'closing') {
        throw new OperatorError(
            'not_ready',
            `the escrow is closing until ${isoTime(state.closesAt!)}: withdraw, then open it again`,
        );
    }
    if (!state.sessionKey.equals(sessionKey)) {
        throw new OperatorError(
            'not_ready',
            'the escrow is open with another session key: run set-session to change it',
        );
    }
}
