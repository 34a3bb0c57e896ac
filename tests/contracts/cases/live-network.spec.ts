import '@ton/test-utils';
import { toNano } from '@ton/core';
import { internal } from '@ton/sandbox';
import { storeClaim } from '../../../build/Payout/Payout_Payout';
import { Escrow, payoutErrors } from '../../../wrappers';
import { atPrices } from '../../support/fee-config';
import { testKey } from '../support/ed25519';
import { exitCodeOf, refusalReasonOf } from '../support/settlement-outcomes';
import { whileRefusing } from '../support/stepping';
import {
    closeDelaySec,
    createSettlement,
    sessionLifeSec,
    SettlementEnvironment,
} from '../support/settlement-environment';
import { beginCell } from '@ton/core';
import { balanceOf, expectSound, gains } from './support/parties';

// What robs users of the live network (a fork's snapshot of December 2025), tried on our contracts.

const gas = toNano('1');
/** More than anybody pays in fees for what a case does. */
const fees = () => atPrices(toNano('0.2'));

let env: SettlementEnvironment;

afterEach(() => expectSound(env));

/** Closes, waits and withdraws, with nobody else's help. */
async function leave(): Promise<void> {
    await env.escrow.sendClose(env.client.getSender(), { valueNano: gas });
    env.at(env.blockchain.now! + closeDelaySec + 1);
    await env.escrow.sendWithdraw(env.client.getSender(), { valueNano: gas });
}

describe('case 1: a payout voucher is signed though no client was ever charged', () => {
    // Theirs: the pool of all clients' money paid it, 16.0 TON fell to 1.6.

    beforeEach(async () => {
        env = await createSettlement({ nodes: 2, depositNano: toNano('16') });
        await env.settle([env.line(env.nodes[1]!, { receiptNano: toNano('4') })]);
    });

    it('without a cap of that client, a receipt that the node signed for itself moves nothing', async () => {
        const forged = env.line(env.nodes[0]!, { receiptNano: toNano('14'), capSigner: testKey('dispatcher') });
        const gained = await gains(env, async () => {
            const result = await env.settle([forged]);
            expect(refusalReasonOf(result, env.settler.address)).toBe(5);
        });
        expect(gained).toMatchObject({ client: 0n, operator: 0n, providers: 0n });
    });

    it('a client who never paid in has no escrow to pay it from, and the pool of the others is not touched', async () => {
        const { hub, network, settler } = env;
        const empty = await Escrow.createFromConfig({
            hub: hub.address,
            network,
            client: settler.address,
            index: 0,
            closeDelaySec,
        });
        const scope = { escrow: empty.address.hash };
        const hubBefore = await hub.getState();
        const gained = await gains(env, async () => {
            await env.settle([env.line(env.nodes[0]!, { receiptNano: toNano('14'), scope })], {
                escrow: empty.address,
            });
            await hub.sendClaim(settler.getSender(), { valueNano: gas });
        });
        expect(gained).toMatchObject({ client: 0n, operator: 0n, providers: 0n });
        expect(gained.settler).toBeLessThan(0n);
        expect(await hub.getState()).toMatchObject({ liabilitiesNano: hubBefore.liabilitiesNano });
    });

    it('a client in league with its node pays no more than it has itself', async () => {
        const { hub, network, settler, nodes } = env;
        const config = { hub: hub.address, network, client: settler.address, index: 0, closeDelaySec };
        const own = env.blockchain.openContract(await Escrow.createFromConfig(config));
        const session = { sessionKey: env.session.publicKey, sessionExpiresAt: env.blockchain.now! + sessionLifeSec };
        await own.sendOpen(settler.getSender(), { ...session, valueNano: toNano('2') });
        const { balanceNano, epoch } = await own.getState();
        const scope = { escrow: own.address.hash, epoch };
        const gained = await gains(env, () =>
            env.settle([env.line(nodes[0]!, { receiptNano: toNano('1000'), scope })], { escrow: own.address, epoch }),
        );
        expect(gained.client).toBe(0n);
        expect(gained.providers + gained.operator).toBe(balanceNano);
        expect((await own.getState()).balanceNano).toBe(0n);
    });
});

describe('case 2: the operator vanishes and the client force-closes', () => {
    // Theirs: 15 TON in, 0 out, and a later refund failed.

    it('the whole uncharged balance is back after the delay, and what was charged can still be claimed', async () => {
        env = await createSettlement({ depositNano: toNano('15'), feeBps: 0 });
        await env.settle([env.line(env.nodes[0]!, { receiptNano: toNano('3') })]);
        const { balanceNano } = await env.escrow.getState();
        const wallet = await env.client.getBalance();
        const gained = await gains(env, leave);
        expect(gained.client).toBeGreaterThan(-fees());
        expect((await env.client.getBalance()) - wallet).toBeGreaterThan(balanceNano - fees());
        const { owner } = env.nodes[0]!;
        const earned = await owner.getBalance();
        await env.hub.sendClaim(owner.getSender(), { valueNano: gas });
        expect((await owner.getBalance()) - earned).toBeGreaterThan(toNano('3') - fees());
    });

    it('leaving twice, or opening again afterwards, loses nothing either', async () => {
        env = await createSettlement({ depositNano: toNano('15') });
        await leave();
        const gained = await gains(env, async () => {
            await env.escrow.sendWithdraw(env.client.getSender(), { valueNano: gas });
            await env.open();
            await leave();
        });
        expect(gained.client).toBeGreaterThan(-2n * fees());
    });
});

describe('case 3: the operator closes its hub while it owes', () => {
    // Theirs: the operator swept 15.98 TON of its clients and providers.

    it('it takes its fees only, whatever it sends, and clients and providers stay whole', async () => {
        env = await createSettlement({ depositNano: toNano('15'), feeBps: 1000 });
        await env.settle([env.line(env.nodes[0]!, { receiptNano: toNano('5') })]);
        const { accruedFeesNano } = await env.hub.getState();
        const wallet = await env.operator.getBalance();
        const by = env.operator.getSender();
        const gained = await gains(env, async () => {
            await env.hub.sendWithdrawFees(by, { valueNano: gas });
            await env.hub.sendWithdrawFees(by, { valueNano: gas });
            await env.hub.sendClaim(by, { valueNano: gas });
            await env.hub.sendSetFee(by, { feeBps: 1000, valueNano: gas });
            await env.escrow.sendClose(by, { valueNano: gas });
            await env.escrow.sendWithdraw(by, { valueNano: gas });
        });
        expect(gained).toMatchObject({ client: 0n, providers: 0n });
        expect((await env.operator.getBalance()) - wallet).toBeLessThanOrEqual(accruedFeesNano);
        const credit = await env.hub.getCredit(env.nodes[0]!.owner.address);
        const later = await gains(env, async () => {
            await env.hub.sendClaim(env.nodes[0]!.owner.getSender(), { valueNano: gas });
            await leave();
        });
        expect(credit).toBe(toNano('4.5'));
        expect(later.client).toBeGreaterThan(-fees());
        expect(later.providers).toBeGreaterThan(-fees());
    });
});

describe("case 4: a withdrawal's message bounces", () => {
    // Theirs: the ledger fell from 25 to 15, and nothing arrived.

    it('the client gets its money though its wallet refuses to run, since the payment does not bounce', async () => {
        env = await createSettlement({ depositNano: toNano('25') });
        const { balanceNano } = await env.escrow.getState();
        await env.escrow.sendClose(env.client.getSender(), { valueNano: gas });
        env.at(env.blockchain.now! + closeDelaySec + 1);
        const before = await env.client.getBalance();
        env.money.minted(gas);
        const body = beginCell().storeUint(0xc0c00105, 32).storeUint(0, 64).endCell();
        const withdraw = internal({ from: env.client.address, to: env.escrow.address, value: gas, body, bounce: true });
        await whileRefusing(env.blockchain, env.client.address, async () => {
            await env.blockchain.sendMessage(withdraw);
        });
        expect((await env.client.getBalance()) - before).toBeGreaterThan(balanceNano - fees());
        expect((await env.escrow.getState()).phase).toBe('closed');
    });

    it('a provider gets its earnings though its wallet refuses to run', async () => {
        env = await createSettlement({ depositNano: toNano('25'), feeBps: 0 });
        await env.settle([env.line(env.nodes[0]!, { receiptNano: toNano('10') })]);
        const { owner } = env.nodes[0]!;
        const before = await balanceOf(env, owner);
        env.money.minted(gas);
        const body = beginCell()
            .store(storeClaim({ $$type: 'Claim', queryId: 0n }))
            .endCell();
        const claim = internal({ from: owner.address, to: env.hub.address, value: gas, body, bounce: true });
        await whileRefusing(env.blockchain, owner.address, async () => {
            await env.blockchain.sendMessage(claim);
        });
        expect((await balanceOf(env, owner)) - before).toBeGreaterThan(toNano('10') - fees());
        expect((await env.hub.getState()).liabilitiesNano).toBe(0n);
    });

    it('one that cannot be paid leaves the ledger as it was, and is paid when tried again', async () => {
        env = await createSettlement({ depositNano: toNano('25'), feeBps: 0 });
        await env.settle([env.line(env.nodes[0]!, { receiptNano: toNano('10') })]);
        const { owner } = env.nodes[0]!;
        const gained = await gains(env, async () => {
            const result = await env.hub.sendClaim(owner.getSender(), { valueNano: atPrices(toNano('0.003')) });
            expect(payoutErrors.get(exitCodeOf(result, env.hub.address)!)).toBe('Payout: value below fees');
            await env.escrow.sendWithdraw(env.client.getSender(), { valueNano: gas });
        });
        expect(gained.providers).toBeGreaterThan(-fees());
        expect(gained.client).toBeGreaterThan(-fees());
        expect(await env.hub.getCredit(owner.address)).toBe(toNano('10'));
        await env.hub.sendClaim(owner.getSender(), { valueNano: gas });
        await leave();
        expect(await env.hub.getCredit(owner.address)).toBe(0n);
        expect((await env.escrow.getState()).phase).toBe('closed');
    });
});
