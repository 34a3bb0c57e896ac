import '@ton/test-utils';
import { toNano } from '@ton/core';
import { authorizationCell, authorizationDigest, Distrusted, keyBundleHash, payoutErrors } from '../../../wrappers';
import { atPrices } from '../../support/fee-config';
import { testKey } from '../support/ed25519';
import { refusalTo } from '../support/outcome';
import {
    createRegistry,
    imageId,
    modelRoot,
    platformId,
    RegistryEnvironment,
    VerifiedOptions,
} from '../support/registry-environment';
import { exitCodeOf } from '../support/settlement-outcomes';
import {
    closeDelaySec,
    createSettlement,
    SettlementEnvironment,
    startTime,
    TestNode,
} from '../support/settlement-environment';
import { createNetwork, Network } from './support/network';
import { expectSound, gains } from './support/parties';

const gas = toNano('1');
const fees = () => atPrices(toNano('0.2'));

describe('case 11: a node key expired or revoked, an image revoked, a platform denied, before a receipt is posted', () => {
    let env: SettlementEnvironment;

    afterEach(() => expectSound(env));

    it.each([
        ['expired', { notAfter: startTime + 100 }],
        ['was revoked', { notAfter: startTime + 1000, revokedAt: startTime + 100 }],
    ])('a node whose key %s is paid up to the grace and refused one second later', async (_, admission) => {
        env = await createSettlement({ nodes: 0, feeBps: 0 });
        const node: TestNode = { key: testKey('ageing'), owner: env.settler };
        await env.admit(node, admission);
        env.at(startTime + 100 + closeDelaySec);
        await env.settle([env.line(node, { receiptNano: toNano('1') })]);
        expect(await env.hub.getCredit(node.owner.address)).toBe(toNano('1'));
        env.at(startTime + 100 + closeDelaySec + 1);
        const late = await env.settle([env.line(node, { receiptNano: toNano('2'), sequence: 2 })]);
        expect(payoutErrors.get(exitCodeOf(late, env.hub.address)!)).toBe('Payout: no line passes');
        expect(await env.hub.getCredit(node.owner.address)).toBe(toNano('1'));
    });

    it('a revocation is not undone by telling the hub an older truth again', async () => {
        env = await createSettlement({ nodes: 0, feeBps: 0 });
        const node: TestNode = { key: testKey('revoked'), owner: env.settler };
        await env.admit(node, { revokedAt: startTime + 5 });
        await env.admit(node, { revokedAt: 0, notAfter: startTime + 9_000_000 });
        env.at(startTime + 5 + closeDelaySec + 1);
        await env.settle([env.line(node, { receiptNano: toNano('1') })]);
        expect(await env.hub.getCredit(node.owner.address)).toBe(0n);
    });
});

describe('case 11, on the way from governance to the hub: an image, a model or a platform is no longer trusted', () => {
    let network: Network;

    const node = testKey('node 0');

    afterEach(() => {
        expect(network.money.leak()).toBe(0n);
    });

    it.each<[string, () => Promise<unknown>, Distrusted]>([
        [
            'image',
            () => network.registry.sendRevokeImage(network.guardian.getSender(), { imageId, valueNano: gas }),
            { imageId },
        ],
        [
            'model',
            () => network.registry.sendRevokeModel(network.guardian.getSender(), { modelRoot, valueNano: gas }),
            { modelRoot },
        ],
        [
            'platform',
            () => network.registry.sendDenyPlatform(network.guardian.getSender(), { platformId, valueNano: gas }),
            { platformId },
        ],
    ])(
        'a distrusted %s reaches the hub by anyone, and what was earned is paid up to the grace',
        async (_, distrust, distrusted) => {
            network = await createNetwork();
            await network.verified();
            await network.admit(node.publicKey);
            await distrust();
            const revokedAt = network.blockchain.now!;
            const recheck = { provider: network.provider.address, hub: network.hub.address, nodeKey: node.publicKey };
            await network.registry.sendRecheck(network.stranger.getSender(), {
                ...recheck,
                distrusted,
                valueNano: gas,
            });
            expect(await network.hub.getNode(node.publicKey)).toMatchObject({ revokedAt });
            network.blockchain.now = revokedAt + closeDelaySec;
            await network.settle([network.line(node, toNano('1'))]);
            expect(await network.paid(node)).toBe(toNano('1'));
            network.blockchain.now = revokedAt + closeDelaySec + 1;
            await network.settle([network.line(node, toNano('2'))]);
            expect(await network.paid(node)).toBe(toNano('1'));
        },
    );

    it('nobody evicts a node by a recheck of what is still trusted, or of what it was not attested with', async () => {
        network = await createNetwork();
        await network.verified();
        await network.admit(node.publicKey);
        const recheck = {
            provider: network.provider.address,
            hub: network.hub.address,
            nodeKey: node.publicKey,
            valueNano: gas,
        };
        for (const id of [imageId, Buffer.alloc(32, 0x55)]) {
            await network.registry.sendRecheck(network.stranger.getSender(), {
                ...recheck,
                distrusted: { imageId: id },
            });
        }
        expect(await network.hub.getNode(node.publicKey)).toMatchObject({ revokedAt: null });
        expect((await network.provider.getKey(node.publicKey))!.revokedAt).toBeNull();
    });
});

describe("case 22: someone registers a rogue key under another's `Provider`", () => {
    let env: RegistryEnvironment;

    const rogue = testKey('rogue').publicKey;
    const thief = testKey('thief');

    /** The rogue's quote is genuine and names the victim's provider; only the authorisation is missing. */
    async function expectRefused(reason: string, options: VerifiedOptions): Promise<void> {
        const before = await env.stranger.getBalance();
        const result = await env.verified({ responseTo: env.stranger.address, ...options });
        expect(refusalTo(result, env.stranger.address)).toBe(reason);
        expect([...(await env.provider.getKeys())]).toEqual([]);
        expect((await env.stranger.getBalance()) - before).toBeGreaterThan(0n);
        expect(env.money.leak()).toBe(0n);
    }

    it('the owner or its operator key must have authorised that very bundle', async () => {
        env = await createRegistry();
        const bundle = { signingKey: rogue };
        const bundleHash = keyBundleHash(env.bundleOf(bundle));
        const scope = { network: env.registry.network, provider: env.provider.address.hash };
        const byThief = authorizationCell(thief.sign(authorizationDigest({ ...scope, bundleHash })));
        await expectRefused('Provider: wrong operator signature', { bundle, authorization: byThief });
        const honest = keyBundleHash(env.bundleOf());
        const borrowed = authorizationCell(env.operator.sign(authorizationDigest({ ...scope, bundleHash: honest })));
        await expectRefused('Provider: wrong operator signature', { bundle, authorization: borrowed });
        await expectRefused('Provider: bundle not authorized', { bundle, authorization: authorizationCell() });
    });

    it('nobody but the owner authorises by message, or sets the key that does', async () => {
        env = await createRegistry();
        const by = env.stranger.getSender();
        const bundle = { signingKey: rogue };
        const bundleHash = keyBundleHash(env.bundleOf(bundle));
        await env.provider.sendAuthorizeBundle(by, { bundleHash, valueNano: gas });
        await env.provider.sendSetOperatorKey(by, { operatorKey: thief.publicKey, valueNano: gas });
        await env.provider.sendCreate(by, { operatorKey: thief.publicKey, valueNano: gas });
        await expectRefused('Provider: bundle not authorized', { bundle, authorization: authorizationCell() });
        expect((await env.provider.getState()).operatorKey).toEqual(env.operator.publicKey);
    });
});

describe("case 24: the operator refuses to admit a competitor's node, evicts it, or raises its fee before settling", () => {
    let env: SettlementEnvironment;

    beforeEach(async () => {
        env = await createSettlement({ nodes: 1, feeBps: 100 });
    });

    afterEach(() => expectSound(env));

    it('admission is open: a genuine provider asks nobody, and the operator has no message to refuse it with', async () => {
        const competitor: TestNode = { key: testKey('competitor'), owner: env.settler };
        await env.admit(competitor);
        const admitted = await env.hub.getNode(competitor.key.publicKey);
        expect(admitted).toMatchObject({ revokedAt: null, notAfter: startTime + 3 * 86_400 });
    });

    it('eviction needs the provider that the registry recorded the key with: the operator pretends in vain', async () => {
        const before = await env.hub.getNode(env.nodes[0]!.key.publicKey);
        const result = await env.admit(env.nodes[0]!, { from: env.operator.address, revokedAt: startTime + 1 });
        const text = payoutErrors.get(exitCodeOf(result, env.hub.address)!);
        expect(text).toBe("Payout: sender is not the owner's provider");
        expect(await env.hub.getNode(env.nodes[0]!.key.publicKey)).toEqual(before);
    });

    it('nobody has a node forgotten while its receipts count', async () => {
        const node: TestNode = { key: testKey('forgettable'), owner: env.settler };
        await env.admit(node, { notAfter: startTime + 100 });
        env.at(startTime + 100 + closeDelaySec);
        const by = env.operator.getSender();
        const early = await env.hub.sendPruneNode(by, { nodeKey: node.key.publicKey, valueNano: gas });
        const text = payoutErrors.get(exitCodeOf(early, env.hub.address)!);
        expect(text).toBe("Payout: the node's receipts are still accepted");
        await env.settle([env.line(node, { receiptNano: toNano('1') })]);
        expect(await env.hub.getCredit(node.owner.address)).toBe(toNano('0.99'));
    });

    it('a rise waits out the grace, in which receipts are settled under the old fee', async () => {
        const raise = await env.hub.sendSetFee(env.operator.getSender(), { feeBps: 1000, valueNano: gas });
        expect(exitCodeOf(raise, env.operator.address)).toBe(0);
        env.at(startTime + closeDelaySec - 1);
        const gained = await gains(env, () => env.settle([env.line(env.nodes[0]!, { receiptNano: toNano('2') })]));
        expect(gained.providers).toBe(toNano('1.98'));
        expect(gained.operator).toBe(toNano('0.02'));
        env.at(startTime + closeDelaySec);
        const later = await gains(env, () => env.settle([env.line(env.nodes[0]!, { receiptNano: toNano('4') })]));
        expect(later.operator).toBe(toNano('0.2'));
    });

    it('no fee rises above the maximum that is part of the address', async () => {
        const result = await env.hub.sendSetFee(env.operator.getSender(), { feeBps: 1001, valueNano: gas });
        expect(payoutErrors.get(exitCodeOf(result, env.hub.address)!)).toBe("Payout: fee above the hub's maximum");
        env.at(startTime + 100 * closeDelaySec);
        expect((await env.hub.getState()).feeBps).toBe(100);
    });

    it('an operator who settles nothing keeps nobody from doing it: the owner posts its own receipts', async () => {
        const { owner } = env.nodes[0]!;
        const lines = [env.line(env.nodes[0]!, { receiptNano: toNano('3') })];
        const gained = await gains(env, async () => {
            await env.hub.sendSettle(owner.getSender(), {
                escrow: env.escrow.address,
                epoch: env.epoch,
                lines,
                valueNano: gas,
            });
            await env.hub.sendClaim(owner.getSender(), { valueNano: gas });
        });
        expect(gained.providers).toBeGreaterThan(toNano('2.97') - fees());
    });
});
