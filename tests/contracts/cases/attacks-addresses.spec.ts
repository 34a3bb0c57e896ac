import '@ton/test-utils';
import { Address, beginCell, Builder, external, toNano } from '@ton/core';
import { internal } from '@ton/sandbox';
import { storeClaim } from '../../../build/Payout/Payout_Payout';
import { Escrow as EscrowBinding } from '../../../build/Escrow/Escrow_Escrow';
import { buildSettlementLines } from '../../../wrappers';
import { exitCodeOf } from '../support/settlement-outcomes';
import { createSettlement, SettlementEnvironment } from '../support/settlement-environment';
import { settleBody } from './support/hostile-cells';
import { balanceOf, expectSound, gains } from './support/parties';
import { startTrace } from './support/trace';

let env: SettlementEnvironment;

beforeEach(async () => {
    env = await createSettlement({ feeBps: 0 });
});

afterEach(() => expectSound(env));

describe('the account of the same id in the masterchain', () => {
    it("claims nothing of a provider's credit", async () => {
        const { owner } = env.nodes[0]!;
        await env.settle([env.line(env.nodes[0]!, { receiptNano: toNano('5') })]);
        const twin = new Address(-1, owner.address.hash);
        const body = beginCell().store(storeClaim({ $$type: 'Claim', queryId: 0n }));
        const value = toNano('1');
        env.money.minted(value);
        await env.blockchain.sendMessage(
            internal({ from: twin, to: env.hub.address, value, body: body.endCell(), bounce: true }),
        );
        expect(await env.hub.getCredit(owner.address)).toBe(toNano('5'));
        expect(await balanceOf(env, { address: twin })).toBeLessThan(value);
    });
});

describe('an escrow named by an address that is none', () => {
    const hash = Buffer.alloc(32, 7);
    const forms: Record<string, (body: Builder) => Builder> = {
        addr_none: (body) => body.storeUint(0b00, 2),
        addr_extern: (body) => body.storeUint(0b01, 2).storeUint(8, 9).storeUint(5, 8),
        'an anycast address': (body) =>
            body.storeUint(0b101, 3).storeUint(5, 5).storeUint(0, 5).storeInt(0, 8).storeBuffer(hash),
        addr_var: (body) => body.storeUint(0b110, 3).storeUint(256, 9).storeInt(0, 32).storeBuffer(hash),
        'a masterchain address': (body) => body.storeAddress(new Address(-1, hash)),
    };

    it.each(Object.keys(forms))('%s costs the settler its gas, and the value comes back', async (form) => {
        const lines = buildSettlementLines([env.line(env.nodes[0]!, { receiptNano: 10n })]);
        const head = forms[form]!(beginCell().storeUint(0xc0c00201, 32).storeUint(0, 64));
        const body = head.storeUint(env.epoch, 32).storeRef(lines).endCell();
        const gained = await gains(env, async () => {
            const result = await env.settler.send({ to: env.hub.address, value: toNano('1'), body });
            expect(exitCodeOf(result, env.hub.address)).not.toBe(0);
        });
        expect(gained).toMatchObject({ client: 0n, operator: 0n, providers: 0n });
        expect(gained.settler).toBeGreaterThan(-toNano('0.1'));
    });
});

describe('a message that its sender marked as bounced', () => {
    it('reaches the escrow as a plain one, so that nobody undoes a charge that the hub booked', async () => {
        const body = settleBody(env, buildSettlementLines([env.line(env.nodes[0]!, { receiptNano: toNano('5') })]));
        const value = toNano('1');
        env.money.minted(value);
        const trace = await startTrace(env.blockchain, { from: env.settler.address, to: env.hub.address, value, body });
        await trace.step(2);
        const forged = beginCell()
            .storeUint(0xffffffff, 32)
            .storeUint(EscrowBinding.opcodes.Charged, 32)
            .storeUint(0, 64);
        const transfer = env.settler.createTransfer({
            messages: [
                {
                    info: {
                        type: 'internal',
                        ihrDisabled: true,
                        bounce: false,
                        bounced: true,
                        dest: env.escrow.address,
                        value: { coins: toNano('0.5') },
                        ihrFee: 0n,
                        forwardFee: 0n,
                        createdAt: 0,
                        createdLt: 0n,
                    },
                    body: forged.endCell(),
                },
            ],
        });
        const result = await env.blockchain.sendMessage(external({ to: env.settler.address, body: transfer }));
        expect(exitCodeOf(result, env.escrow.address)).not.toBe(0);
        expect((await env.escrow.getState()).inFlight?.amountNano).toBe(toNano('5'));
        await trace.finish();
        expect(await env.hub.getCredit(env.nodes[0]!.owner.address)).toBe(toNano('5'));
    });
});
