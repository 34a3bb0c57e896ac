import '@ton/test-utils';
import { Address, beginCell, toNano } from '@ton/core';
import { createShardAccount, internal } from '@ton/sandbox';
import { storeOpenEscrow } from '../../../build/Escrow/Escrow_Escrow';
import { payoutErrors } from '../../../wrappers';
import { withFees } from '../../support/fee-config';
import { testKey } from '../support/ed25519';
import { exitCodeOf } from '../support/settlement-outcomes';
import {
    closeDelaySec,
    createSettlement,
    sessionLifeSec,
    SettlementEnvironment,
    startTime,
} from '../support/settlement-environment';
import { balanceOf, expectSound } from './support/parties';
import { raisePrices } from './support/prices';

const year = 31_557_600;
/** Enough for any message at six times the dearest prices that tests run under; the rest comes back. */
const gas = toNano('5');

let env: SettlementEnvironment;

afterEach(() => expectSound(env));

const earn = (receiptNano: bigint) => env.settle([env.line(env.nodes[0]!, { receiptNano })], { valueNano: 4n * gas });

async function stateOf(address: Address) {
    const { accountState } = await env.blockchain.getContract(address);
    if (accountState?.type !== 'active' || !accountState.state.code || !accountState.state.data) {
        throw new Error('nothing lives there');
    }
    return { code: accountState.state.code, data: accountState.state.data };
}

describe('case 15: gas or storage price rises six-fold by a config change', () => {
    // While a settlement is on its way: attacks-settlement.spec.ts.

    it('everything goes on at the new prices: settling, topping up, claiming, fees, admission, leaving', async () => {
        env = await createSettlement({ depositNano: toNano('30'), feeBps: 1000 });
        await earn(toNano('1'));
        raisePrices(env.blockchain, 6n);
        const { owner } = env.nodes[0]!;
        await earn(toNano('11'));
        expect(await env.hub.getCredit(owner.address)).toBe(toNano('9.9'));
        await env.escrow.sendTopUp(env.client.getSender(), { valueNano: gas });
        await env.hub.sendClaim(owner.getSender(), { valueNano: gas });
        expect(await env.hub.getCredit(owner.address)).toBe(0n);
        await env.hub.sendTopUp(env.operator.getSender(), { valueNano: 4n * gas });
        await env.hub.sendWithdrawFees(env.operator.getSender(), { valueNano: gas });
        expect((await env.hub.getState()).accruedFeesNano).toBe(0n);
        const late = testKey('late');
        await env.admit({ key: late, owner: env.settler }, { valueNano: gas });
        expect(await env.hub.getNode(late.publicKey)).not.toBeNull();
        await env.escrow.sendClose(env.client.getSender(), { valueNano: gas });
        env.at(env.blockchain.now! + closeDelaySec + 1);
        const { balanceNano } = await env.escrow.getState();
        const before = await env.client.getBalance();
        await env.escrow.sendWithdraw(env.client.getSender(), { valueNano: gas });
        expect((await env.client.getBalance()) - before).toBeGreaterThan(balanceNano - toNano('1'));
        expect((await env.hub.getState()).liabilitiesNano).toBe(0n);
    });

    it('what paid its way at the old price is refused at the new, before anything moves', async () => {
        env = await createSettlement({ feeBps: 0 });
        const valueNano = await env.hub.getSettleFee(1);
        raisePrices(env.blockchain, 6n);
        const result = await env.settle([env.line(env.nodes[0]!, { receiptNano: toNano('1') })], { valueNano });
        const text = payoutErrors.get(exitCodeOf(result, env.hub.address)!);
        expect(text).toBe('Payout: value below the settlement fee');
        expect((await env.hub.getState()).liabilitiesNano).toBe(0n);
    });
});

describe('case 16: contract balance at zero; years without a message', () => {
    async function empty(address: Address): Promise<void> {
        const balance = await balanceOf(env, { address });
        const share = { address, ...(await stateOf(address)), balance: 0n };
        await env.blockchain.setShardAccount(address, createShardAccount(share));
        env.money.minted(-balance);
    }

    it('a hub whose balance is gone pays nobody at the cost of another, and everybody once it is topped up', async () => {
        env = await createSettlement({ nodes: 2, feeBps: 0 });
        await env.settle(
            env.nodes.map((node) => env.line(node, { receiptNano: toNano('2') })),
            { valueNano: gas },
        );
        await empty(env.hub.address);
        const [first, second] = env.nodes.map(({ owner }) => owner);
        const refused = await env.hub.sendClaim(first!.getSender(), { valueNano: gas });
        const text = payoutErrors.get(exitCodeOf(refused, env.hub.address)!);
        expect(text).toBe('Payout: storage debt, top up first');
        await env.hub.sendTopUp(env.settler.getSender(), { valueNano: toNano('6') });
        for (const owner of [first!, second!]) await env.hub.sendClaim(owner.getSender(), { valueNano: gas });
        expect((await env.hub.getState()).liabilitiesNano).toBe(0n);
    });

    it('an escrow whose balance is gone is charged nothing that is not there, and is used again after a top-up', async () => {
        env = await createSettlement({ feeBps: 0 });
        await empty(env.escrow.address);
        await earn(toNano('2'));
        expect(await env.hub.getCredit(env.nodes[0]!.owner.address)).toBe(0n);
        await env.escrow.sendTopUp(env.client.getSender(), { valueNano: toNano('20') });
        await earn(toNano('2'));
        expect(await env.hub.getCredit(env.nodes[0]!.owner.address)).toBe(toNano('2'));
    });

    it('a deposit left alone for half a century loses the storage due, and the client takes the rest', async () => {
        env = await createSettlement({ feeBps: 0, depositNano: toNano('40') });
        const held = await balanceOf(env, env.escrow);
        env.at(startTime + 50 * year);
        await env.escrow.sendClose(env.client.getSender(), { valueNano: gas });
        const due = held - (await balanceOf(env, env.escrow));
        env.at(env.blockchain.now! + closeDelaySec + 1);
        const before = await env.client.getBalance();
        await env.escrow.sendWithdraw(env.client.getSender(), { valueNano: gas });
        const { storageReserveNano } = await env.escrow.getState();
        // The reserve is a year's storage of an escrow with dozens of nodes: an upper bound of what a year of this one costs.
        expect(due).toBeLessThan(50n * storageReserveNano);
        const back = (await env.client.getBalance()) - before;
        expect(back).toBeGreaterThan(held - due - storageReserveNano - toNano('1'));
    });

    describe('an escrow closed and forgotten', () => {
        /** At the sandbox's prices, so that its debt is the same whatever prices the suite runs under. */
        async function forgotten(years: number) {
            env = await withFees('sandbox', () => createSettlement({ feeBps: 0 }));
            await env.escrow.sendClose(env.client.getSender(), { valueNano: gas });
            env.at(startTime + closeDelaySec + 1);
            await env.escrow.sendWithdraw(env.client.getSender(), { valueNano: gas });
            const last = await stateOf(env.escrow.address);
            env.at(startTime + years * year);
            return last;
        }

        const status = async () => (await env.blockchain.getContract(env.escrow.address)).accountState?.type;

        /** The value comes back from an account without code. */
        async function openInVain(): Promise<void> {
            const before = await env.client.getBalance();
            await env.open(toNano('50'));
            expect(before - (await env.client.getBalance())).toBeLessThan(toNano('2'));
        }

        it('is frozen for its debt, takes no money, and comes back with its last state in a later epoch', async () => {
            const last = await forgotten(20);
            await openInVain();
            expect(await status()).toBe('frozen');
            const session = { sessionKey: 1n, sessionExpiresAt: BigInt(env.blockchain.now! + sessionLifeSec) };
            const opening = storeOpenEscrow({ $$type: 'OpenEscrow', queryId: 0n, ...session });
            const body = beginCell().store(opening).endCell();
            const value = toNano('60');
            env.money.minted(value);
            const message = { from: env.client.address, to: env.escrow.address, value, bounce: true, body };
            await env.blockchain.sendMessage(internal({ ...message, stateInit: last }));
            const { phase, epoch } = await env.escrow.getState();
            expect([phase, epoch]).toEqual(['open', env.blockchain.now!]);
        });

        it('is deleted for a debt that nobody pays, and begins again at no earlier epoch, so that nothing old counts', async () => {
            await forgotten(70);
            const old = env.line(env.nodes[0]!, { receiptNano: toNano('4') });
            await openInVain();
            await openInVain();
            await env.open(toNano('50'));
            const { phase, epoch } = await env.escrow.getState();
            expect([phase, epoch]).toEqual(['open', env.blockchain.now!]);
            await env.hub.sendTopUp(env.operator.getSender(), { valueNano: toNano('50') });
            await env.admit(env.nodes[0]!, { notAfter: env.blockchain.now! + sessionLifeSec });
            await env.enterEpoch();
            await env.settle([old], { valueNano: gas });
            expect(await env.hub.getCredit(env.nodes[0]!.owner.address)).toBe(0n);
        });
    });
});
