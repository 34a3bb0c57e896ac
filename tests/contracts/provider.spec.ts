import '@ton/test-utils';
import { Address, beginCell, Cell, toNano } from '@ton/core';
import { loadBondChanged, loadKeyRecorded, Provider as ProviderBinding } from '../../build/Provider/Provider_Provider';
import { loadAdmitNode } from '../../build/Payout/Payout_Payout';
import { authorizationCell, Provider } from '../../wrappers';
import { bodyTo, comparable, eventOf, gasOf, keyRefusalTo, thrownBy, transactionOf, valueTo } from './support/outcome';
import { bundle, createProvider, day, minBondNano, nodeKey, ProviderEnvironment } from './support/provider-environment';
import { atPrices, budget } from '../support/fee-config';

const { opcodes } = ProviderBinding;

let env: ProviderEnvironment;

/** Every test ends with this: no nanoTON was lost or made, and the balance covers what the provider owes. */
afterEach(async () => {
    expect(env.money.leak()).toBe(0n);
    const { bondNano, unbondingNano } = await env.provider.getState();
    expect(await env.balanceOf(env.provider.address)).toBeGreaterThanOrEqual(bondNano + unbondingNano);
});

describe('a new provider', () => {
    it('is deployed by its owner with an operator key, and gives back what it does not need', async () => {
        env = await createProvider({ bondNano: 0n });
        const state = await env.provider.getState();
        expect(state.owner).toEqualAddress(env.owner.address);
        expect(state.registry).toEqualAddress(env.registry.address);
        expect(state.operatorKey).toEqual(env.operator.publicKey);
        expect(state).toMatchObject({ bondNano: 0n, unbondingNano: 0n, withdrawableAt: null, storedKeys: 0 });
        expect(await env.balanceOf(env.provider.address)).toBe(state.storageReserveNano);
        const again = await env.provider.sendCreate(env.owner.getSender(), { operatorKey: null });
        expect(thrownBy(again, env.provider.address)).toBeNull();
        expect(valueTo(again, env.owner.address, opcodes.Excesses)).toBeGreaterThan(toNano('0.49'));
        expect((await env.provider.getState()).operatorKey).toBeNull();
    });

    it('changes its operator key for the owner only', async () => {
        env = await createProvider({ bondNano: 0n });
        const key = Buffer.alloc(32, 5);
        const refused = await env.provider.sendSetOperatorKey(env.stranger.getSender(), { operatorKey: key });
        expect(thrownBy(refused, env.provider.address)).toBe('Provider: sender is not the owner');
        await env.provider.sendSetOperatorKey(env.owner.getSender(), { operatorKey: key });
        expect((await env.provider.getState()).operatorKey).toEqual(key);
    });

    it('is not created by a stranger', async () => {
        env = await createProvider({ bondNano: 0n });
        const result = await env.provider.sendCreate(env.stranger.getSender(), { operatorKey: null });
        expect(thrownBy(result, env.provider.address)).toBe('Provider: sender is not the owner');
    });

    it('refuses a deployment that can not pay for its storage', async () => {
        env = await createProvider({ bondNano: 0n });
        const other = env.blockchain.openContract(
            await Provider.createFromConfig({ registry: env.registry.address, owner: env.stranger.address }),
        );
        const poor = { operatorKey: null, valueNano: atPrices(toNano('0.01')) };
        const result = await other.sendCreate(env.stranger.getSender(), poor);
        expect(thrownBy(result, other.address)).toBe('Provider: not enough value');
    });

    it('throws at unknown opcodes and plain transfers', async () => {
        env = await createProvider({ bondNano: 0n });
        const to = env.provider.address;
        const unknown = beginCell().storeUint(0xc0c0ffff, 32).endCell();
        expect(thrownBy(await env.owner.send({ to, value: toNano('1'), body: unknown }), to)).not.toBeNull();
        expect(thrownBy(await env.owner.send({ to, value: toNano('1') }), to)).not.toBeNull();
    });
});

describe('the bond', () => {
    it('grows by what anyone sends, less the fees', async () => {
        env = await createProvider({ bondNano: 0n });
        const balance = await env.balanceOf(env.provider.address);
        const result = await env.provider.sendBond(env.stranger.getSender(), { valueNano: toNano('5') });
        const { bondNano } = await env.provider.getState();
        expect(bondNano).toBeGreaterThan(toNano('5') - atPrices(toNano('0.01')));
        expect(bondNano).toBeLessThanOrEqual((await env.balanceOf(env.provider.address)) - balance);
        const event = loadBondChanged(eventOf(result, opcodes.BondChanged)!.beginParse());
        expect(event).toMatchObject({ bond: bondNano, unbonding: 0n });
        const nothing = await env.provider.sendBond(env.stranger.getSender(), { valueNano: atPrices(toNano('0.004')) });
        expect(thrownBy(nothing, env.provider.address)).toBe('Provider: not enough value');
    });

    it('is deployed with the first bond by anyone, once the storage reserve is full', async () => {
        env = await createProvider({ bondNano: 0n });
        const other = env.blockchain.openContract(
            await Provider.createFromConfig({ registry: env.registry.address, owner: env.stranger.address }),
        );
        await other.sendBond(env.owner.getSender(), { valueNano: toNano('2') });
        const { bondNano, storageReserveNano } = await other.getState();
        expect(await env.balanceOf(other.address)).toBeGreaterThanOrEqual(bondNano + storageReserveNano);
        expect(bondNano).toBeGreaterThan(toNano('2') - storageReserveNano - atPrices(toNano('0.01')));
    });

    it('leaves to the owner seven days after it was unbonded, to the nanoTON', async () => {
        env = await createProvider();
        const { bondNano } = await env.provider.getState();
        await env.provider.sendUnbond(env.owner.getSender(), { amountNano: toNano('12') });
        const state = await env.provider.getState();
        expect(state.bondNano).toBe(bondNano - toNano('12'));
        expect(state.unbondingNano).toBe(toNano('12'));
        expect(state.withdrawableAt).toBe(env.blockchain.now! + 7 * day);
        env.pass(7 * day - 1);
        const early = await env.provider.sendWithdrawBond(env.owner.getSender());
        expect(thrownBy(early, env.provider.address)).toBe('Provider: unbonding delay not over');
        env.pass(1);
        const result = await env.provider.sendWithdrawBond(env.owner.getSender());
        expect(valueTo(result, env.owner.address, opcodes.BondWithdrawn)).toBeGreaterThan(toNano('12.08'));
        expect(await env.provider.getState()).toMatchObject({ bondNano: state.bondNano, unbondingNano: 0n });
        const again = await env.provider.sendWithdrawBond(env.owner.getSender());
        expect(thrownBy(again, env.provider.address)).toBe('Provider: nothing to withdraw');
    });

    it('waits anew for all of it when more is unbonded', async () => {
        env = await createProvider();
        await env.provider.sendUnbond(env.owner.getSender(), { amountNano: toNano('2') });
        env.pass(6 * day);
        await env.provider.sendUnbond(env.owner.getSender(), { amountNano: toNano('3') });
        env.pass(day);
        const early = await env.provider.sendWithdrawBond(env.owner.getSender());
        expect(thrownBy(early, env.provider.address)).toBe('Provider: unbonding delay not over');
        env.pass(6 * day);
        const result = await env.provider.sendWithdrawBond(env.owner.getSender());
        expect(valueTo(result, env.owner.address, opcodes.BondWithdrawn)).toBeGreaterThan(toNano('5.08'));
    });

    it('is unbonded and withdrawn by the owner only', async () => {
        env = await createProvider();
        const unbond = await env.provider.sendUnbond(env.stranger.getSender(), { amountNano: 1n });
        expect(thrownBy(unbond, env.provider.address)).toBe('Provider: sender is not the owner');
        await env.provider.sendUnbond(env.owner.getSender(), { amountNano: 1n });
        env.pass(8 * day);
        const withdraw = await env.provider.sendWithdrawBond(env.stranger.getSender());
        expect(thrownBy(withdraw, env.provider.address)).toBe('Provider: sender is not the owner');
    });

    it('can be unbonded whole, but not one nanoTON more, nor nothing', async () => {
        env = await createProvider();
        const { bondNano } = await env.provider.getState();
        for (const amountNano of [bondNano + 1n, 0n]) {
            const result = await env.provider.sendUnbond(env.owner.getSender(), { amountNano });
            expect(thrownBy(result, env.provider.address)).toBe('Provider: no such bond');
        }
        await env.provider.sendUnbond(env.owner.getSender(), { amountNano: bondNano });
        expect(await env.provider.getState()).toMatchObject({ bondNano: 0n, unbondingNano: bondNano });
    });

    it('can not be taken below what live keys need', async () => {
        env = await createProvider();
        await env.record({ nodeKey: nodeKey(0), bundleHash: bundle(0) });
        await env.record({ nodeKey: nodeKey(1), bundleHash: bundle(1) });
        expect(await env.provider.getRequiredBond()).toBe(2n * minBondNano);
        const { bondNano } = await env.provider.getState();
        const free = bondNano - 2n * minBondNano;
        const tooMuch = await env.provider.sendUnbond(env.owner.getSender(), { amountNano: free + 1n });
        expect(thrownBy(tooMuch, env.provider.address)).toBe('Provider: bond needed by keys');
        const justEnough = await env.provider.sendUnbond(env.owner.getSender(), { amountNano: free });
        expect(thrownBy(justEnough, env.provider.address)).toBeNull();
        await env.provider.sendRevokeKey(env.owner.getSender(), { nodeKey: nodeKey(0) });
        env.pass(5 * day);
        const held = await env.provider.sendUnbond(env.owner.getSender(), { amountNano: 1n });
        expect(thrownBy(held, env.provider.address)).toBe('Provider: bond needed by keys');
        env.pass(1);
        expect(await env.provider.getRequiredBond()).toBe(0n);
        const freed = await env.provider.sendUnbond(env.owner.getSender(), { amountNano: 2n * minBondNano });
        expect(thrownBy(freed, env.provider.address)).toBeNull();
    });

    it('survives decades without a message: what the reserve could not pay comes out of the withdrawal', async () => {
        env = await createProvider();
        const { bondNano, storageReserveNano } = await env.provider.getState();
        env.pass(4 * 365 * day);
        const [amountNano, valueNano] = [bondNano, budget(toNano('1'))];
        await env.provider.sendUnbond(env.owner.getSender(), { amountNano, valueNano });
        expect(await env.balanceOf(env.provider.address)).toBe(bondNano + storageReserveNano);
        env.pass(30 * 365 * day);
        const { inMessage, totalFees, description } = transactionOf(
            await env.provider.sendWithdrawBond(env.owner.getSender()),
            env.provider.address,
        );
        expect(inMessage!.info.type).toBe('internal');
        expect(totalFees.coins).toBeGreaterThan(0n);
        expect(description.type).toBe('generic');
        expect(await env.balanceOf(env.provider.address)).toBe(storageReserveNano);
        expect(await env.provider.getState()).toMatchObject({ bondNano: 0n, unbondingNano: 0n });
    });
});

describe('a key', () => {
    it('is recorded when the operator key signed for its bundle', async () => {
        env = await createProvider();
        const result = await env.record();
        expect(thrownBy(result, env.provider.address)).toBeNull();
        const key = await env.provider.getKey(nodeKey(0));
        expect(key).toEqual({
            notAfter: env.blockchain.now! + 3 * day,
            revokedAt: null,
            isSlashed: false,
            bondNano: minBondNano,
            suite: 1,
            bundleHash: Buffer.alloc(32, 0xb1),
            imageId: Buffer.alloc(32, 0x11),
            modelRoot: Buffer.alloc(32, 0x22),
            platformId: Buffer.alloc(32, 0x33),
        });
        expect(await env.provider.getKeys()).toEqual(new Map([[nodeKey(0).toString('hex'), key]]));
        expect(valueTo(result, env.registrar.address, opcodes.NodeRegistered)).toBeGreaterThan(toNano('0.4'));
        const event = loadKeyRecorded(eventOf(result, opcodes.KeyRecorded)!.beginParse());
        expect(event.notAfter).toBe(BigInt(key!.notAfter));
    });

    it('is recorded by nobody but the registry', async () => {
        env = await createProvider();
        const result = await env.record({ from: 'stranger' });
        expect(thrownBy(result, env.provider.address)).toBe('Provider: sender is not the registry');
        expect(await env.provider.getKey(nodeKey(0))).toBeNull();
    });

    /** Refusals return the value and leave no trace. */
    async function expectRefused(reason: string, options: Parameters<ProviderEnvironment['record']>[0]) {
        const [before, keys] = [await env.provider.getState(), await env.provider.getKeys()];
        const authorizations = await env.provider.getAuthorizations();
        const result = await env.record(options);
        expect(keyRefusalTo(result, env.registry.address)).toBe(reason);
        expect(thrownBy(result, env.provider.address)).toBeNull();
        expect(valueTo(result, env.registry.address, opcodes.KeyRefused)).toBeGreaterThan(0n);
        expect(result.externals).toEqual([]);
        expect(comparable(await env.provider.getState())).toEqual(comparable(before));
        expect(await env.provider.getKeys()).toEqual(keys);
        expect(await env.provider.getAuthorizations()).toEqual(authorizations);
    }

    it('is refused under a signature about anything else', async () => {
        env = await createProvider();
        const wrong = 'Provider: wrong operator signature';
        await expectRefused(wrong, { authorization: authorizationCell(Buffer.alloc(64, 1)) });
        await expectRefused(wrong, { signedNetwork: Buffer.alloc(32, 1) });
        await expectRefused(wrong, { signedProvider: env.registry.address.hash });
        await expectRefused(wrong, { signedBundleHash: bundle(7) });
    });

    it('is refused under a truncated, padded or missing authorisation', async () => {
        env = await createProvider();
        await expectRefused('Provider: bundle not authorized', { signer: null });
        const malformed = 'Provider: malformed authorization';
        for (const length of [63, 65]) {
            const authorization = beginCell().storeBuffer(Buffer.alloc(length, 1)).endCell();
            await expectRefused(malformed, { authorization });
        }
        const withReference = beginCell().storeBuffer(Buffer.alloc(64, 1)).storeRef(Cell.EMPTY).endCell();
        await expectRefused(malformed, { authorization: withReference });
    });

    it('is refused under a signature when there is no operator key', async () => {
        env = await createProvider();
        await env.provider.sendSetOperatorKey(env.owner.getSender(), { operatorKey: null });
        await expectRefused('Provider: no operator key', {});
    });

    it('is recorded once under an authorisation by message, which lapses after seven days', async () => {
        env = await createProvider();
        const authorize = (index: number) =>
            env.provider.sendAuthorizeBundle(env.owner.getSender(), { bundleHash: bundle(index) });
        await authorize(0);
        await env.record({ signer: null, bundleHash: bundle(0), nodeKey: nodeKey(0) });
        expect(await env.provider.getKey(nodeKey(0))).not.toBeNull();
        expect(await env.provider.getAuthorizations()).toEqual(new Map());
        await expectRefused('Provider: bundle not authorized', {
            signer: null,
            bundleHash: bundle(0),
            nodeKey: nodeKey(1),
        });
        await authorize(1);
        await authorize(2);
        env.pass(7 * day);
        const inTime = await env.record({ signer: null, bundleHash: bundle(1), nodeKey: nodeKey(1) });
        expect(keyRefusalTo(inTime, env.registry.address)).toBeNull();
        env.pass(1);
        await expectRefused('Provider: bundle not authorized', {
            signer: null,
            bundleHash: bundle(2),
            nodeKey: nodeKey(2),
        });
    });

    it('is authorised by the owner only, sixteen at a time', async () => {
        env = await createProvider();
        const authorize = (index: number, by = env.owner) =>
            env.provider.sendAuthorizeBundle(by.getSender(), { bundleHash: bundle(index) });
        expect(thrownBy(await authorize(0, env.stranger), env.provider.address)).toBe(
            'Provider: sender is not the owner',
        );
        for (let i = 0; i < 16; i += 1) expect(thrownBy(await authorize(i), env.provider.address)).toBeNull();
        expect(thrownBy(await authorize(16), env.provider.address)).toBe('Provider: too many authorizations');
        expect(thrownBy(await authorize(15), env.provider.address)).toBeNull();
        env.pass(7 * day + 1);
        const late = await authorize(16);
        expect(thrownBy(late, env.provider.address)).toBeNull();
        expect(gasOf(late, env.provider.address)).toBeLessThan(70_000);
        expect((await env.provider.getAuthorizations()).size).toBe(1);
    });

    it('needs the bond for itself and every other live key', async () => {
        env = await createProvider();
        for (const index of [0, 1, 2]) {
            const result = await env.record({ nodeKey: nodeKey(index), bundleHash: bundle(index) });
            expect(keyRefusalTo(result, env.registry.address)).toBeNull();
        }
        await expectRefused('Provider: bond too small', { nodeKey: nodeKey(3), bundleHash: bundle(3) });
        await env.provider.sendBond(env.stranger.getSender(), { valueNano: minBondNano + toNano('0.05') });
        const result = await env.record({ nodeKey: nodeKey(3), bundleHash: bundle(3) });
        expect(keyRefusalTo(result, env.registry.address)).toBeNull();
        await expectRefused('Provider: bond too small', {
            nodeKey: nodeKey(3),
            bundleHash: bundle(4),
            notAfter: env.blockchain.now! + 4 * day,
            minBondNano: minBondNano + toNano('1'),
        });
    });

    it('attested again lives longer, and changes in nothing else', async () => {
        env = await createProvider();
        await env.record({ notAfter: env.blockchain.now! + day, bundleHash: bundle(0) });
        const first = await env.provider.getKey(nodeKey(0));
        await env.record({ notAfter: env.blockchain.now! + 2 * day, bundleHash: bundle(1) });
        const second = { ...first, notAfter: env.blockchain.now! + 2 * day, bundleHash: bundle(1) };
        expect(await env.provider.getKey(nodeKey(0))).toEqual(second);
        const earlier = await env.record({ notAfter: env.blockchain.now! + day, bundleHash: bundle(2) });
        expect(bodyTo(earlier, env.registrar.address, opcodes.NodeRegistered)).not.toBeNull();
        expect(await env.provider.getKey(nodeKey(0))).toEqual(second);
        for (const change of [
            { imageId: bundle(8) },
            { modelRoot: bundle(8) },
            { platformId: bundle(8) },
            { suite: 2 },
        ]) {
            await expectRefused('Provider: key attested differently', { bundleHash: bundle(3), ...change });
        }
        expect((await env.provider.getState()).liveKeys).toBe(1);
    });

    it('stays recorded when a second registrar posts the same bundle, without another authorisation', async () => {
        env = await createProvider();
        await env.provider.sendAuthorizeBundle(env.owner.getSender(), { bundleHash: bundle(0) });
        await env.record({ signer: null, bundleHash: bundle(0) });
        const again = await env.record({ signer: null, bundleHash: bundle(0) });
        expect(bodyTo(again, env.registrar.address, opcodes.NodeRegistered)).not.toBeNull();
    });

    it('is revoked for good by the owner', async () => {
        env = await createProvider();
        await env.record();
        const revoke = (by = env.owner, key = nodeKey(0)) =>
            env.provider.sendRevokeKey(by.getSender(), { nodeKey: key });
        expect(thrownBy(await revoke(env.stranger), env.provider.address)).toBe('Provider: sender is not the owner');
        expect(thrownBy(await revoke(env.owner, nodeKey(1)), env.provider.address)).toBe('Provider: unknown key');
        const result = await revoke();
        expect(eventOf(result, opcodes.KeyRevoked)).not.toBeNull();
        expect((await env.provider.getKey(nodeKey(0)))!.revokedAt).toBe(env.blockchain.now);
        env.pass(60);
        expect(thrownBy(await revoke(), env.provider.address)).toBe('Provider: already revoked');
        await expectRefused('Provider: key is revoked', { bundleHash: bundle(4) });
    });

    it('is forgotten seven days after its end, when the next one comes', async () => {
        env = await createProvider();
        await env.record({ notAfter: env.blockchain.now! + day, bundleHash: bundle(0) });
        env.pass(8 * day);
        await env.record({ nodeKey: nodeKey(1), bundleHash: bundle(1) });
        expect((await env.provider.getState()).storedKeys).toBe(2);
        env.pass(1);
        await env.record({ nodeKey: nodeKey(2), bundleHash: bundle(2) });
        expect(await env.provider.getKey(nodeKey(0))).toBeNull();
        expect(await env.provider.getState()).toMatchObject({ storedKeys: 2, liveKeys: 2 });
    });

    it('has at most 63 live and 127 known neighbours, eight of which are dropped at a time', async () => {
        env = await createProvider({ bondNano: toNano('1') });
        const options = (index: number, notAfter: number) => {
            return { nodeKey: nodeKey(index), bundleHash: bundle(index), minBondNano: 1n, notAfter };
        };
        const soon = env.blockchain.now! + day;
        for (let i = 0; i < 64; i += 1) await env.record(options(i, soon));
        await expectRefused('Provider: too many live keys', options(64, soon));
        env.pass(day + 1);
        const later = env.blockchain.now! + 9 * day;
        for (let i = 64; i < 128; i += 1) await env.record(options(i, later));
        expect(await env.provider.getState()).toMatchObject({ storedKeys: 128, liveKeys: 64 });
        await expectRefused('Provider: too many keys', options(128, later));
        env.pass(7 * day);
        const result = await env.record({ ...options(64, later + day), bundleHash: bundle(129) });
        expect(bodyTo(result, env.registrar.address, opcodes.NodeRegistered)).not.toBeNull();
        expect(await env.provider.getState()).toMatchObject({ storedKeys: 120, liveKeys: 64 });
        // What the registry sends along, less what it needs itself to take a refusal.
        const most = 350_000 - 40_000;
        expect(gasOf(result, env.provider.address)).toBeLessThan(most);
        const refused = await env.record({ ...options(65, later + day), minBondNano: toNano('2') });
        expect(keyRefusalTo(refused, env.registry.address)).toBe('Provider: bond too small');
        expect(gasOf(refused, env.provider.address)).toBeLessThan(most);
    });

    it('with any value is either refused or recorded: the check of the value is never too low', async () => {
        env = await createProvider();
        const outcomes = new Set<string | null>();
        for (let valueNano = toNano('0.012'); valueNano < toNano('0.06'); valueNano += toNano('0.002')) {
            const result = await env.record({ valueNano: atPrices(valueNano) });
            expect(thrownBy(result, env.provider.address)).toBeNull();
            outcomes.add(keyRefusalTo(result, env.registry.address));
        }
        expect([...outcomes]).toEqual(['Provider: not enough value', null]);
    });
});

describe('an admission', () => {
    it('tells the hub what is known of the key, at the expense of whoever asks', async () => {
        env = await createProvider();
        await env.record();
        const balance = await env.balanceOf(env.provider.address);
        const request = () =>
            env.provider.sendRequestAdmission(env.stranger.getSender(), {
                nodeKey: nodeKey(0),
                hub: env.hub.address,
                queryId: 77n,
            });
        const result = await request();
        const admit = loadAdmitNode(bodyTo(result, env.hub.address, opcodes.AdmitNode)!.beginParse());
        expect(admit).toMatchObject({
            queryId: 77n,
            suite: 1n,
            revokedAt: 0n,
            notAfter: BigInt(env.blockchain.now! + 3 * day),
        });
        expect(admit.owner).toEqualAddress(env.owner.address);
        expect(admit.responseTo).toEqualAddress(env.stranger.address);
        expect(await env.balanceOf(env.provider.address)).toBe(balance);
        await env.provider.sendRevokeKey(env.owner.getSender(), { nodeKey: nodeKey(0) });
        const revoked = loadAdmitNode(bodyTo(await request(), env.hub.address, opcodes.AdmitNode)!.beginParse());
        expect(revoked.revokedAt).toBe(BigInt(env.blockchain.now!));
        expect(gasOf(result, env.provider.address)).toBeLessThan(20_000);
    });

    it('is refused for an unknown key, and without the value to send it', async () => {
        env = await createProvider();
        await env.record();
        const [via, hub] = [env.stranger.getSender(), env.hub.address];
        const unknown = await env.provider.sendRequestAdmission(via, { nodeKey: nodeKey(1), hub });
        expect(thrownBy(unknown, env.provider.address)).toBe('Provider: unknown key');
        const poor = await env.provider.sendRequestAdmission(via, {
            nodeKey: nodeKey(0),
            hub,
            valueNano: atPrices(toNano('0.005')),
        });
        expect(thrownBy(poor, env.provider.address)).toBe('Provider: not enough value');
    });

    it('that bounces returns the value to who paid, not to the owner', async () => {
        env = await createProvider();
        await env.record();
        const nowhere = Address.parseRaw('0:' + '77'.repeat(32));
        for (const payer of [env.stranger, env.registrar]) {
            const result = await env.provider.sendRequestAdmission(payer.getSender(), {
                nodeKey: nodeKey(0),
                hub: nowhere,
            });
            expect(valueTo(result, payer.address, opcodes.Excesses)).toBeGreaterThan(toNano('0.28'));
        }
    });
});
