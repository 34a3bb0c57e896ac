import '@ton/test-utils';
import { toNano } from '@ton/core';
import { Escrow, Payout } from '../../../wrappers';
import { exitCodeOf } from '../support/settlement-outcomes';
import { createSettlement, sessionLifeSec, SettlementEnvironment } from '../support/settlement-environment';
import { expectSound } from './support/parties';

let env: SettlementEnvironment;

beforeEach(async () => {
    env = await createSettlement({ feeBps: 0 });
});

afterEach(() => expectSound(env));

/** A hub on terms that no honest operator would choose, with node 0 admitted and an escrow of the client. */
async function hostileHub(terms: { closeDelaySec?: number; maxFeeBps?: number }) {
    const closeDelaySec = terms.closeDelaySec ?? 3600;
    const { registry, operator, client, network } = env;
    const hub = env.blockchain.openContract(
        await Payout.createFromConfig({
            registry: registry.address,
            operator: operator.address,
            closeDelaySec,
            maxFeeBps: terms.maxFeeBps ?? 1000,
            initialFeeBps: 0,
            salt: 1,
        }),
    );
    await hub.sendTopUp(operator.getSender(), { valueNano: toNano('2') });
    await env.admit(env.nodes[0]!, { hub: hub.address });
    const escrow = env.blockchain.openContract(
        await Escrow.createFromConfig({ hub: hub.address, network, client: client.address, index: 0, closeDelaySec }),
    );
    const sessionExpiresAt = env.blockchain.now! + sessionLifeSec;
    const session = { sessionKey: env.session.publicKey, sessionExpiresAt };
    const opening = await escrow.sendOpen(client.getSender(), { ...session, valueNano: toNano('20') });
    return { hub, escrow, opening };
}

describe('an operator whose hub allows fees above the whole amount', () => {
    it('takes none of what providers have earned already', async () => {
        const { hub, escrow } = await hostileHub({ maxFeeBps: 60_000 });
        const { epoch } = await escrow.getState();
        const settle = (receiptNano: bigint) => {
            const scope = { escrow: escrow.address.hash, epoch };
            const lines = [env.line(env.nodes[0]!, { receiptNano, scope })];
            return hub.sendSettle(env.settler.getSender(), { escrow: escrow.address, epoch, lines });
        };
        await settle(toNano('5'));
        const owner = env.nodes[0]!.owner.address;
        expect(await hub.getCredit(owner)).toBe(toNano('5'));
        await hub.sendSetFee(env.operator.getSender(), { feeBps: 60_000 });
        env.at(env.blockchain.now! + 3600);
        await settle(toNano('6'));
        expect(await hub.getCredit(owner)).toBeGreaterThanOrEqual(toNano('5'));
        expect((await hub.getState()).accruedFeesNano).toBeLessThanOrEqual(toNano('1'));
    });
});

describe('an operator whose hub has a close delay beyond all times', () => {
    it.each([
        ['of a century', 100 * 31_557_600],
        ['past the end of unix time in 32 bits', 0xffffffff],
    ])('%s takes no deposit', async (_, closeDelaySec) => {
        const before = await env.client.getBalance();
        const { escrow, opening } = await hostileHub({ closeDelaySec });
        expect(exitCodeOf(opening, escrow.address)).not.toBe(0);
        expect(before - (await env.client.getBalance())).toBeLessThan(toNano('0.2'));
    });
});
