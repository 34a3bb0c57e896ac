import '@ton/test-utils';
import { beginCell, toNano } from '@ton/core';
import {
    RegisterByBond,
    Registry as RegistryBinding,
    storeRegisterByBond,
} from '../../build/Registry/Registry_Registry';
import { authorizationCell, KeyBundle, keyBundleCell, keyBundleHash, possessionDigest, Provider } from '../../wrappers';
import { testKey } from './support/ed25519';
import { ethereumKey } from './support/ethereum-key';
import { bodyTo, refusalTo, thrownBy, valueTo } from './support/outcome';
import { patchRegistry } from './support/patched-registry';
import { createRegistry, day, imageId, platformId, RegistryEnvironment } from './support/registry-environment';

const { opcodes } = RegistryBinding;
const key = (index: number) => testKey(`node ${index}`).publicKey;
const noPlatform = Buffer.alloc(32);

let env: RegistryEnvironment;

afterEach(async () => {
    expect(env.money.leak()).toBe(0n);
    const { storageReserveNano, hubBondsNano } = await env.registry.getState();
    expect(await env.balanceOf(env.registry.address)).toBeGreaterThanOrEqual(storageReserveNano + hubBondsNano);
});

/** Why the key was refused; null when it was recorded. */
async function register(signingKey: Buffer, changes: Partial<KeyBundle> = {}, platform = platformId) {
    const result = await env.verified({ bundle: { signingKey, ...changes }, platformId: platform });
    return refusalTo(result, env.registrar.address);
}

describe('a platform', () => {
    const full = 'Registry: platform has too many keys';

    beforeEach(async () => {
        env = await createRegistry();
        await env.provider.sendBond(env.stranger.getSender(), { valueNano: toNano('80') });
    });

    it('has four live keys and not a fifth, while another platform has room', async () => {
        for (const index of [0, 1, 2, 3]) expect(await register(key(index))).toBeNull();
        expect(await register(key(4))).toBe(full);
        expect(await register(key(4), {}, Buffer.alloc(32, 9))).toBeNull();
        expect(await env.registry.getPlatformKeys(platformId)).toHaveLength(4);
    });

    it('that is full still lets its keys be attested again', async () => {
        for (const index of [0, 1, 2, 3]) await register(key(index));
        env.pass(day);
        const notAfter = env.blockchain.now! + 2 * day;
        expect(await register(key(2), { notAfter })).toBeNull();
        const keys = await env.registry.getPlatformKeys(platformId);
        expect(keys).toHaveLength(4);
        expect(keys.filter((known) => known.notAfter === notAfter)).toHaveLength(1);
        expect(await register(key(4))).toBe(full);
    });

    it('has room again the second after a key expired', async () => {
        for (const index of [0, 1, 2, 3]) await register(key(index));
        env.pass(2 * day);
        expect(await register(key(4))).toBe(full);
        env.pass(1);
        expect(await register(key(4))).toBeNull();
        expect(await env.registry.getPlatformKeys(platformId)).toHaveLength(1);
    });

    it('does not get room by attesting a key again for a shorter time', async () => {
        for (const index of [0, 1, 2, 3]) await register(key(index));
        for (const index of [0, 1, 2, 3]) await register(key(index), { notAfter: env.blockchain.now! + 60 });
        env.pass(61);
        expect(await register(key(4))).toBe(full);
    });

    it('counts one key under two providers twice', async () => {
        await register(key(0));
        const other = env.blockchain.openContract(
            await Provider.createFromConfig({ registry: env.registry.address, owner: env.stranger.address }),
        );
        await other.sendCreate(env.stranger.getSender(), { operatorKey: env.operator.publicKey });
        await other.sendBond(env.stranger.getSender(), { valueNano: toNano('11') });
        const bundle = env.bundleOf({ signingKey: key(0), provider: other.address.hash });
        await other.sendAuthorizeBundle(env.stranger.getSender(), { bundleHash: keyBundleHash(bundle) });
        const result = await env.verified({ bundle, authorization: authorizationCell() });
        expect(refusalTo(result, env.registrar.address)).toBeNull();
        expect(await env.registry.getPlatformKeys(platformId)).toHaveLength(2);
    });

    it('holds as many as governance allows, seven at most', async () => {
        await env.setParameters({ maxKeysPerPlatform: 7 });
        for (let index = 0; index < 7; index += 1) expect(await register(key(index))).toBeNull();
        expect(await register(key(7))).toBe(full);
        await env.setParameters({ maxKeysPerPlatform: 1 });
        expect(await register(key(0))).toBe(full);
    });

    it('is pruned by anyone: expired keys go, live ones stay, an empty entry is forgotten', async () => {
        await register(key(0));
        const notAfter = env.blockchain.now! + 3 * day;
        await register(key(1), { notAfter });
        const prune = () => env.registry.sendPrunePlatform(env.stranger.getSender(), { platformId });
        env.pass(2 * day + 1);
        const { storageReserveNano } = await env.registry.getState();
        const result = await prune();
        expect(valueTo(result, env.stranger.address, opcodes.Excesses)).toBeGreaterThan(toNano('0.15'));
        expect(await env.registry.getPlatformKeys(platformId)).toMatchObject([{ notAfter }]);
        env.pass(day);
        await prune();
        expect(await env.registry.getPlatformKeys(platformId)).toEqual([]);
        expect((await env.registry.getState()).storageReserveNano).toBeLessThan(storageReserveNano);
        expect(thrownBy(await prune(), env.registry.address)).toBe('Registry: no keys of this platform');
    });

    it('is refused where twelve thousand others are known, until one is pruned', async () => {
        await patchRegistry(env, { platformCount: 12_000n });
        expect(await register(key(0))).toBe('Registry: too many platforms');
        await patchRegistry(env, { platformCount: 11_999n });
        expect(await register(key(0))).toBeNull();
    });
});

describe('a key of the second suite', () => {
    it('is recorded as an Ethereum address, and as nothing else', async () => {
        env = await createRegistry();
        const { publicKey } = ethereumKey('node e');
        expect(await register(publicKey, { suite: 2 })).toBeNull();
        expect((await env.provider.getKey(publicKey))!.suite).toBe(2);
    });
});

describe('a registration by bond', () => {
    const snpImage = Buffer.alloc(32, 0x5a);

    beforeEach(async () => {
        env = await createRegistry();
        await env.govern({ kind: 'allowImage', imageId: snpImage, imageKind: 'sev-snp', name: 'snp' });
        await env.provider.sendBond(env.stranger.getSender(), { valueNano: toNano('100') });
    });

    interface Proof {
        authorization?: ReturnType<typeof authorizationCell>;
        /** who signs as the key */
        holder?: { sign(digest: Buffer): Buffer };
    }

    async function byBond(changes: Partial<KeyBundle> = {}, { authorization, holder }: Proof = {}) {
        const bundle = env.bundleOf({ imageId: snpImage, ...changes });
        const bundleHash = keyBundleHash(bundle);
        const result = await env.registry.sendRegisterByBond(env.stranger.getSender(), {
            bundle,
            authorization: authorization ?? env.authorize(bundleHash),
            possession: (holder ?? testKey('node 0')).sign(possessionDigest(bundleHash)),
            responseTo: env.registrar.address,
        });
        return { result, reason: refusalTo(result, env.registrar.address) };
    }

    it('records the key at the higher bond, of no platform, and returns the excess', async () => {
        const { result, reason } = await byBond();
        expect(reason).toBeNull();
        expect(bodyTo(result, env.registrar.address, opcodes.NodeRegistered)).not.toBeNull();
        expect(valueTo(result, env.registrar.address, opcodes.NodeRegistered)).toBeGreaterThan(toNano('0.4'));
        expect(await env.provider.getKey(key(0))).toMatchObject({ bondNano: toNano('100'), platformId: noPlatform });
        expect(await env.registry.getPlatformKeys(noPlatform)).toEqual([]);
    });

    it('needs a bond for keys of two prices, each at its own', async () => {
        await byBond();
        for (const index of [1, 2, 3]) expect(await register(key(index))).toBeNull();
        expect(await env.provider.getRequiredBond()).toBe(toNano('130'));
        expect(await register(key(4), {}, Buffer.alloc(32, 9))).toBe('Provider: bond too small');
        const { reason } = await byBond({ signingKey: key(5) }, { holder: testKey('node 5') });
        expect(reason).toBe('Provider: bond too small');
    });

    it('is refused for images of the other kind, and a quote for images of this one', async () => {
        expect((await byBond({ imageId })).reason).toBe('Registry: image of another kind');
        expect((await byBond({ imageId: Buffer.alloc(32, 1) })).reason).toBe('Registry: image not allowed');
        expect(await register(key(0), { imageId: snpImage })).toBe('Registry: image of another kind');
    });

    it('is refused for a key that somebody else holds, of either suite', async () => {
        const stolen = 'Registry: not signed by the key itself';
        expect((await byBond({}, { holder: testKey('thief') })).reason).toBe(stolen);
        const [own, other] = [ethereumKey('node 1'), ethereumKey('thief')];
        const bundle = { signingKey: own.publicKey, suite: 2 } as const;
        expect((await byBond(bundle, { holder: other })).reason).toBe(stolen);
        expect((await byBond(bundle, { holder: own })).reason).toBeNull();
    });

    it('is refused with a proof of possession of another length', async () => {
        const bundle = env.bundleOf({ imageId: snpImage });
        const registerByBond: RegisterByBond = {
            $$type: 'RegisterByBond',
            queryId: 5n,
            responseTo: env.registrar.address,
            bundle: keyBundleCell(bundle),
            authorization: env.authorize(keyBundleHash(bundle)),
            possession: beginCell().storeBuffer(Buffer.alloc(63)).endCell(),
        };
        const body = beginCell().store(storeRegisterByBond(registerByBond)).endCell();
        const result = await env.stranger.send({ to: env.registry.address, value: toNano('1'), body });
        expect(refusalTo(result, env.registrar.address)).toBe('Registry: malformed proof of possession');
    });

    it('keeps every other rule about a bundle', async () => {
        const other = Buffer.alloc(32, 9);
        expect((await byBond({ network: other })).reason).toBe('Registry: bundle of another network');
        expect((await byBond({ modelRoot: other })).reason).toBe('Registry: model not allowed');
        expect((await byBond({ notAfter: env.blockchain.now! })).reason).toBe('Registry: bundle has expired');
        expect((await byBond({}, { authorization: authorizationCell() })).reason).toBe(
            'Provider: bundle not authorized',
        );
        expect((await byBond({ provider: other })).reason).toBe('Registry: no provider took the key');
    });

    it('has no platform that could be denied, and so none to revoke all such keys by', async () => {
        const denied = await env.registry.sendDenyPlatform(env.guardian.getSender(), { platformId: noPlatform });
        expect(thrownBy(denied, env.registry.address)).toBe('Registry: keys admitted by bond have no platform');
    });
});
