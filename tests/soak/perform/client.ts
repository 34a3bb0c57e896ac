import { Address } from '@ton/core';
import { bodyOf } from '../encode';
import { hex } from '../lines';
import { Letter } from '../model/letter';
import { escrowAt, plain, sessionOf, someone } from './parties';
import { Performers } from './performers';

/** What a client sends to its escrow, or somebody else in its place. */
export const clientPerformers: Pick<Performers, 'open' | 'topUp' | 'setSession' | 'close' | 'withdraw'> = {
    async open(world, { escrow: index, by, session, lifeSec, valueNano }) {
        const { escrow, model } = escrowAt(world, index);
        const sessionKey = sessionOf(index, session).publicKey;
        const sessionExpiresAt = world.chain.now + lifeSec;
        const body = await bodyOf((chain, sender) =>
            escrow.sendOpen(chain, sender, { sessionKey, sessionExpiresAt, valueNano: 1n }),
        );
        const letter: Letter = {
            op: 'openEscrow',
            client: model.client,
            sessionKey: hex(sessionKey),
            sessionExpiresAt,
        };
        const from = by === 0 ? Address.parse(model.client) : someone(by);
        world.send({ from, to: escrow.address, valueNano: BigInt(valueNano), body, letter, init: escrow.init });
    },
    async topUp(world, { escrow: index, by, bounce, valueNano }) {
        const { escrow, model } = escrowAt(world, index);
        const body = await bodyOf((chain, sender) => escrow.sendTopUp(chain, sender, { valueNano: 1n }));
        const from = by === 0 ? Address.parse(model.client) : someone(by);
        const init = bounce ? escrow.init : undefined;
        world.send({
            from,
            to: escrow.address,
            valueNano: BigInt(valueNano),
            body,
            letter: { op: 'topUp' },
            bounce,
            init,
        });
    },
    async setSession(world, { escrow: index, by, session, lifeSec, pay }) {
        const { escrow, model } = escrowAt(world, index);
        const sessionKey = sessionOf(index, session).publicKey;
        const sessionExpiresAt = world.chain.now + lifeSec;
        const body = await bodyOf((chain, sender) =>
            escrow.sendSetSession(chain, sender, { sessionKey, sessionExpiresAt }),
        );
        const letter: Letter = { op: 'setSession', sessionKey: hex(sessionKey), sessionExpiresAt };
        const from = by === 0 ? Address.parse(model.client) : someone(by);
        world.send({ from, to: escrow.address, valueNano: plain(pay), body, letter, init: escrow.init });
    },
    async close(world, { escrow: index, by, pay }) {
        const { escrow, model } = escrowAt(world, index);
        const body = await bodyOf((chain, sender) => escrow.sendClose(chain, sender, {}));
        const from = by === 0 ? Address.parse(model.client) : someone(by);
        world.send({
            from,
            to: escrow.address,
            valueNano: plain(pay),
            body,
            letter: { op: 'closeEscrow' },
            init: escrow.init,
        });
    },
    async withdraw(world, { escrow: index, by, pay }) {
        const { escrow, model } = escrowAt(world, index);
        const body = await bodyOf((chain, sender) => escrow.sendWithdraw(chain, sender, {}));
        const from = by === 0 ? Address.parse(model.client) : someone(by);
        world.send({
            from,
            to: escrow.address,
            valueNano: plain(pay),
            body,
            letter: { op: 'withdraw' },
            init: escrow.init,
        });
    },
};
