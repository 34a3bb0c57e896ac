import '@ton/test-utils';
import { Address, beginCell, Cell, toNano } from '@ton/core';
import { SendMessageResult } from '@ton/sandbox';
import { Escrow as EscrowBinding } from '../../../build/Escrow/Escrow_Escrow';
import { Payout as PayoutBinding } from '../../../build/Payout/Payout_Payout';
import { buildSettlementLines, chargeRefusals, Escrow, payoutErrors, SettlementLine } from '../../../wrappers';
import { atPrices } from '../../support/fee-config';
import { fillHub } from '../support/filled-hub';
import { exitCodeOf, refusalReasonOf } from '../support/settlement-outcomes';
import { whileRefusing } from '../support/stepping';
import { closeDelaySec, createSettlement, SettlementEnvironment } from '../support/settlement-environment';
import { followedBy, settleBody } from './support/hostile-cells';
import { balanceOf, expectSound, gains } from './support/parties';
import { startTrace } from './support/trace';

const gas = toNano('1');
const fees = () => atPrices(toNano('0.2'));

let env: SettlementEnvironment;

afterEach(() => expectSound(env));

const line = (index: number, receiptNano: bigint): SettlementLine => env.line(env.nodes[index]!, { receiptNano });

async function expectRefund(act: () => Promise<SendMessageResult>, at: Address): Promise<void> {
    const gained = await gains(env, async () => expect(exitCodeOf(await act(), at)).not.toBe(0));
    expect(gained).toMatchObject({ client: 0n, operator: 0n, providers: 0n });
    expect(gained.settler).toBeGreaterThan(-fees());
}

describe('case 14: messages with too little value, with too much, from the wrong sender, of unknown opcode, to an undeployed contract; 255-action limit; batch of the largest size', () => {
    const settleWith = (value: bigint) => () => env.settle([line(0, toNano('1'))], { valueNano: value });

    it('any value below the fee of a settlement is refused and returned, any above it pays and the rest returns', async () => {
        env = await createSettlement({ feeBps: 0 });
        const fee = await env.hub.getSettleFee(1);
        for (const value of [fee / 4n, fee / 2n, fee - 1n]) await expectRefund(settleWith(value), env.hub.address);
        const gained = await gains(env, settleWith(toNano('500')));
        expect(gained.providers).toBe(toNano('1'));
        expect(gained.settler).toBeGreaterThan(-fees());
    });

    const fromStrangers: [string, 'hub' | 'escrow', number][] = [
        ['Charge', 'escrow', EscrowBinding.opcodes.Charge],
        ['AcknowledgeCharge', 'escrow', EscrowBinding.opcodes.AcknowledgeCharge],
        ['Withdraw', 'escrow', EscrowBinding.opcodes.Withdraw],
        ['CloseEscrow', 'escrow', EscrowBinding.opcodes.CloseEscrow],
        ['Charged', 'hub', PayoutBinding.opcodes.Charged],
        ['AdmitNode', 'hub', PayoutBinding.opcodes.AdmitNode],
        ['WithdrawFees', 'hub', PayoutBinding.opcodes.WithdrawFees],
        ['SetFee', 'hub', PayoutBinding.opcodes.SetFee],
        ['Excesses', 'hub', PayoutBinding.opcodes.Excesses],
        ['an unknown opcode', 'hub', 0xc0c0ffff],
        ['an unknown opcode', 'escrow', 0xc0c0ffff],
    ];

    describe('from strangers', () => {
        beforeAll(async () => {
            env = await createSettlement();
        });

        it.each(fromStrangers)(
            '%s from a stranger is refused by the %s, and the value returns',
            async (_, target, opcode) => {
                const to = env[target].address;
                // More than any message has after its opcode, in bits and references.
                const tail = beginCell().storeRef(Cell.EMPTY).storeRef(Cell.EMPTY).storeRef(Cell.EMPTY).endCell();
                const head = beginCell().storeUint(opcode, 32).storeUint(0, 64).storeAddress(env.settler.address);
                const body = head.storeUint(0, 512).storeSlice(tail.beginParse()).endCell();
                await expectRefund(() => env.settler.send({ to, value: gas, body }), to);
            },
        );
    });

    it('a settlement of an escrow that does not exist comes back to claim, less its fees', async () => {
        env = await createSettlement({ feeBps: 0 });
        const { hub, network, settler } = env;
        const missing = await Escrow.createFromConfig({
            hub: hub.address,
            network,
            client: settler.address,
            index: 3,
            closeDelaySec,
        });
        const scope = { escrow: missing.address.hash };
        const gained = await gains(env, async () => {
            const lines = [env.line(env.nodes[0]!, { receiptNano: toNano('1'), scope })];
            await env.settle(lines, { escrow: missing.address, valueNano: toNano('5') });
            expect(await hub.getCredit(settler.address)).toBeGreaterThan(toNano('5') - fees());
            await hub.sendClaim(settler.getSender(), { valueNano: gas });
        });
        expect(gained).toMatchObject({ client: 0n, operator: 0n, providers: 0n });
        expect(gained.settler).toBeGreaterThan(-fees());
    });

    it('the largest batch at a large hub leaves a tenth of the gas limit unused and sends a handful of actions', async () => {
        env = await createSettlement({ nodes: 10, feeBps: 0 });
        await fillHub(env, env.nodes, 2000);
        const result = await env.settle(env.nodes.map((_, i) => line(i, toNano('0.1'))));
        for (const { description } of result.transactions) {
            if (description.type !== 'generic' || description.computePhase.type !== 'vm') continue;
            expect(description.computePhase.gasUsed).toBeLessThan(900_000n);
            expect(description.actionPhase?.totalActions ?? 0).toBeLessThan(10);
        }
        expect(await env.escrow.getPaid(env.nodes[9]!.key.publicKey)).toBe(toNano('0.1'));
    });

    it('one line more is refused before any money moves', async () => {
        env = await createSettlement({ nodes: 11, feeBps: 0 });
        const rest = buildSettlementLines(env.nodes.slice(1).map((_, i) => line(i + 1, 5n)));
        const eleven = followedBy(buildSettlementLines([line(0, 5n)]), rest);
        const body = settleBody(env, eleven);
        await expectRefund(async () => {
            const result = await env.settler.send({ to: env.hub.address, value: gas, body });
            expect(payoutErrors.get(exitCodeOf(result, env.hub.address)!)).toBe('Payout: too many lines');
            return result;
        }, env.hub.address);
    });
});

describe('case 26: the hub rejects Charged, or a second settlement arrives while a charge is in flight', () => {
    async function chargeInFlight(receiptNano: bigint) {
        const body = settleBody(env, buildSettlementLines([line(0, receiptNano)]));
        env.money.minted(gas);
        const trace = await startTrace(env.blockchain, {
            from: env.settler.address,
            to: env.hub.address,
            value: gas,
            body,
        });
        await trace.step(2);
        return trace;
    }

    it('a rejected charge is undone to the nanoTON and can be made again', async () => {
        env = await createSettlement({ feeBps: 0 });
        const held = await balanceOf(env, env.escrow);
        const gained = await gains(env, async () => {
            const trace = await chargeInFlight(toNano('4'));
            await whileRefusing(env.blockchain, env.hub.address, () => trace.finish());
        });
        expect(gained).toMatchObject({ client: 0n, providers: 0n });
        expect(await balanceOf(env, env.escrow)).toBe(held);
        const again = await gains(env, () => env.settle([line(0, toNano('4'))]));
        expect(again).toMatchObject({ client: -toNano('4'), providers: toNano('4') });
    });

    it('a second settlement is refused until the first is acknowledged, then pays the difference', async () => {
        env = await createSettlement({ feeBps: 0 });
        const trace = await chargeInFlight(toNano('4'));
        const gained = await gains(env, async () => {
            const result = await env.settle([line(0, toNano('6'))]);
            const reason = chargeRefusals.get(refusalReasonOf(result, env.settler.address)!);
            expect(reason).toBe('another charge is in flight');
        });
        expect(gained).toMatchObject({ client: 0n, providers: 0n });
        await trace.finish();
        const later = await gains(env, () => env.settle([line(0, toNano('6'))]));
        expect(later).toMatchObject({ client: -toNano('2'), providers: toNano('2') });
    });
});
