import '@ton/test-utils';
import { toNano } from '@ton/core';
import {
    authorizationCell,
    authorizationDigest,
    KeyBundle,
    keyBundleHash,
    possessionDigest,
    Provider,
} from '../../../wrappers';
import { testKey } from '../support/ed25519';
import { refusalTo } from '../support/outcome';
import { createRegistry, day, RegistryEnvironment } from '../support/registry-environment';
import { createNetwork, Network } from './support/network';

const gas = toNano('2');

let env: RegistryEnvironment;

beforeEach(async () => {
    env = await createRegistry();
});

afterEach(() => {
    expect(env.money.leak()).toBe(0n);
});

describe('a registrar who keeps old quotes, with the signatures that authorised them', () => {
    const retired = testKey('node 0').publicKey;

    /** Any other registration makes the provider forget what ended long ago. */
    async function forget(): Promise<void> {
        env.pass(11 * day);
        await env.verified({ bundle: { signingKey: testKey('node 1').publicKey } });
    }

    it('brings no revoked key back, even after the provider has forgotten it', async () => {
        const bundle = env.bundleOf({ signingKey: retired });
        await env.verified({ bundle });
        expect(await env.provider.getKey(retired)).not.toBeNull();
        await env.provider.sendRevokeKey(env.providerOwner.getSender(), { nodeKey: retired, valueNano: gas });
        await forget();
        await env.verified({ bundle });
        const key = await env.provider.getKey(retired);
        expect(key === null || key.revokedAt !== null).toBe(true);
    });

    it('brings no expired key back, nor prolongs a live one', async () => {
        const { maxKeyLifeSec } = await env.registry.getState();
        const tooLong = await env.verified({
            bundle: { signingKey: retired, notAfter: env.blockchain.now! + maxKeyLifeSec + 1 },
        });
        expect(refusalTo(tooLong, env.registrar.address)).toBe('Registry: bundle outlives the longest key life');
        const bundle = env.bundleOf({ signingKey: retired, notAfter: env.blockchain.now! + maxKeyLifeSec });
        await env.verified({ bundle });
        const ends = (await env.provider.getKey(retired))?.notAfter ?? null;
        env.pass(day);
        await env.verified({ bundle });
        expect((await env.provider.getKey(retired))?.notAfter ?? null).toBe(ends);
        await forget();
        await env.verified({ bundle });
        expect(await env.provider.getKey(retired)).toBeNull();
    });
});

describe('somebody else on the same machine', () => {
    it('takes no slot of the platform with quotes that no provider stands for', async () => {
        const nobody = await Provider.createFromConfig({ registry: env.registry.address, owner: env.stranger.address });
        for (const [i, provider] of [
            nobody.address.hash,
            nobody.address.hash,
            env.provider.address.hash,
            env.provider.address.hash,
        ].entries()) {
            const bundle = { provider, signingKey: testKey(`squatter ${i}`).publicKey };
            await env.verified({
                bundle,
                authorization: authorizationCell(testKey('squatter').sign(Buffer.alloc(32))),
            });
        }
        const result = await env.verified();
        expect(refusalTo(result, env.registrar.address)).toBeNull();
        expect(await env.provider.getKey(testKey('node 0').publicKey)).not.toBeNull();
    });
});

describe("a thief who names another provider's node key, where no quote is verified on chain", () => {
    let network: Network;

    const victim = testKey('victim');
    const snpImage = Buffer.alloc(32, 0x5e);

    it('registers it nowhere, and earns nothing of what it signs', async () => {
        network = await createNetwork();
        env = network;
        await network.govern({ kind: 'allowImage', imageId: snpImage, imageKind: 'sev-snp', name: 'snp' });
        const thief = await network.wallet('thief');
        const den = network.blockchain.openContract(
            await Provider.createFromConfig({ registry: network.registry.address, owner: thief.address }),
        );
        const operator = testKey('thief');
        await den.sendCreate(thief.getSender(), { operatorKey: operator.publicKey, valueNano: gas });
        await den.sendBond(thief.getSender(), { valueNano: toNano('210') });
        const bundle: KeyBundle = network.bundleOf({
            provider: den.address.hash,
            signingKey: victim.publicKey,
            imageId: snpImage,
        });
        const scope = { network: network.registry.network, provider: den.address.hash };
        const digest = authorizationDigest({ ...scope, bundleHash: keyBundleHash(bundle) });
        const authorization = authorizationCell(operator.sign(digest));
        const by = thief.getSender();
        // All that the thief can sign with is a key of its own.
        const possession = operator.sign(possessionDigest(keyBundleHash(bundle)));
        const registration = { bundle, authorization, possession, responseTo: thief.address, valueNano: gas };
        await network.registry.sendRegisterByBond(by, registration);
        await den.sendRequestAdmission(by, { nodeKey: victim.publicKey, hub: network.hub.address, valueNano: gas });
        await network.settle([network.line(victim, toNano('5'))]);
        expect(await network.hub.getCredit(thief.address)).toBe(0n);
        expect(await network.hub.getNode(victim.publicKey)).toBeNull();
    });
});
