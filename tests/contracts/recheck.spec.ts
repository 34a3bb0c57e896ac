import '@ton/test-utils';
import { Address, beginCell, toNano } from '@ton/core';
import { loadAdmitNode, Payout as PayoutBinding } from '../../build/Payout/Payout_Payout';
import { Provider as ProviderBinding, storeDistrustKey } from '../../build/Provider/Provider_Provider';
import { storeRecheck } from '../../build/Registry/Registry_Registry';
import { Distrusted } from '../../wrappers';
import { uint256 } from '../../wrappers/uint256';
import { testKey } from './support/ed25519';
import { bodyTo, eventOf, thrownBy, valueTo } from './support/outcome';
import { createRegistry, imageId, modelRoot, platformId, RegistryEnvironment } from './support/registry-environment';
import { atPrices } from '../support/fee-config';

const { opcodes } = ProviderBinding;
const nodeKey = testKey('node 0').publicKey;
const nowhere = Address.parseRaw('0:' + '77'.repeat(32));

let env: RegistryEnvironment;

beforeEach(async () => {
    env = await createRegistry();
    await env.verified({});
});

afterEach(async () => {
    expect(env.money.leak()).toBe(0n);
});

/** The hub is played by a wallet of the test. */
const recheck = (
    distrusted: Distrusted,
    changes: { provider?: Address; nodeKey?: Buffer; valueNano?: bigint; hub?: Address } = {},
) =>
    env.registry.sendRecheck(env.stranger.getSender(), {
        provider: env.provider.address,
        hub: env.guardian.address,
        nodeKey,
        distrusted,
        ...changes,
    });

const distrustAll: [string, Distrusted, () => Promise<unknown>][] = [
    ['image', { imageId }, () => env.registry.sendRevokeImage(env.guardian.getSender(), { imageId })],
    ['model', { modelRoot }, () => env.registry.sendRevokeModel(env.guardian.getSender(), { modelRoot })],
    ['platform', { platformId }, () => env.registry.sendDenyPlatform(env.guardian.getSender(), { platformId })],
];

describe.each(distrustAll)('a recheck of a distrusted %s', (_, distrusted, distrust) => {
    it('by anyone revokes the key at once and tells the hub, who returns the rest', async () => {
        await distrust();
        env.pass(60);
        const result = await recheck(distrusted);
        expect(eventOf(result, opcodes.KeyRevoked)).not.toBeNull();
        expect((await env.provider.getKey(nodeKey))!.revokedAt).toBe(env.blockchain.now);
        const admit = loadAdmitNode(
            bodyTo(result, env.guardian.address, PayoutBinding.opcodes.AdmitNode)!.beginParse(),
        );
        expect(admit.revokedAt).toBe(BigInt(env.blockchain.now!));
        expect(admit.owner).toEqualAddress(env.providerOwner.address);
        expect(admit.responseTo).toEqualAddress(env.stranger.address);
    });

    it('tells another hub of the same revocation, whose time stays', async () => {
        await distrust();
        await recheck(distrusted);
        const { revokedAt } = (await env.provider.getKey(nodeKey))!;
        env.pass(60);
        const again = await recheck(distrusted);
        expect(eventOf(again, opcodes.KeyRevoked)).toBeNull();
        expect((await env.provider.getKey(nodeKey))!.revokedAt).toBe(revokedAt);
        const admit = loadAdmitNode(bodyTo(again, env.guardian.address, PayoutBinding.opcodes.AdmitNode)!.beginParse());
        expect(admit.revokedAt).toBe(BigInt(revokedAt!));
    });

    it('is refused while it is trusted', async () => {
        expect(thrownBy(await recheck(distrusted), env.registry.address)).toBe('Registry: still trusted');
        expect((await env.provider.getKey(nodeKey))!.revokedAt).toBeNull();
    });
});

describe('a recheck', () => {
    const other = Buffer.alloc(32, 0x66);

    it('leaves a key alone that was attested with something else, and returns the value', async () => {
        for (const distrusted of [{ imageId: other }, { modelRoot: other }]) {
            const result = await recheck(distrusted);
            expect(thrownBy(result, env.provider.address)).toBe('Provider: key was attested with something else');
            expect(valueTo(result, env.stranger.address, opcodes.Excesses)).toBeGreaterThan(toNano('0.45'));
        }
        await env.registry.sendDenyPlatform(env.guardian.getSender(), { platformId: other });
        const result = await recheck({ platformId: other });
        expect(thrownBy(result, env.provider.address)).toBe('Provider: key was attested with something else');
        expect((await env.provider.getKey(nodeKey))!.revokedAt).toBeNull();
    });

    it('of an unknown key, or at no provider, returns the value to who paid', async () => {
        const unknown = await recheck({ imageId: other }, { nodeKey: other });
        expect(thrownBy(unknown, env.provider.address)).toBe('Provider: unknown key');
        expect(valueTo(unknown, env.stranger.address, opcodes.Excesses)).toBeGreaterThan(toNano('0.45'));
        const noProvider = await recheck({ imageId: other }, { provider: nowhere });
        expect(valueTo(noProvider, env.stranger.address, opcodes.Excesses)).toBeGreaterThan(toNano('0.45'));
    });

    it('stands though the hub bounces it, and the value comes back to who paid', async () => {
        await env.registry.sendRevokeImage(env.guardian.getSender(), { imageId });
        const result = await recheck({ imageId }, { hub: nowhere });
        expect(valueTo(result, env.stranger.address, opcodes.Excesses)).toBeGreaterThan(toNano('0.4'));
        expect((await env.provider.getKey(nodeKey))!.revokedAt).toBe(env.blockchain.now);
    });

    it('has three causes and no fourth', async () => {
        for (const cause of [0n, 4n]) {
            const body = beginCell().store(
                storeRecheck({
                    $$type: 'Recheck',
                    queryId: 0n,
                    provider: env.provider.address,
                    hub: nowhere,
                    nodeKey: uint256('key', nodeKey),
                    cause,
                    id: uint256('id', other),
                }),
            );
            const to = env.registry.address;
            const result = await env.stranger.send({ to, value: toNano('0.5'), body: body.endCell() });
            expect(thrownBy(result, to)).toBe('Registry: unknown cause');
        }
    });

    it('is taken from the registry only', async () => {
        const body = beginCell().store(
            storeDistrustKey({
                $$type: 'DistrustKey',
                queryId: 0n,
                ticket: 1n,
                nodeKey: uint256('key', nodeKey),
                hub: nowhere,
                responseTo: env.stranger.address,
                cause: 1n,
                id: uint256('image', imageId),
            }),
        );
        const result = await env.stranger.send({
            to: env.provider.address,
            value: toNano('0.5'),
            body: body.endCell(),
        });
        expect(thrownBy(result, env.provider.address)).toBe('Provider: sender is not the registry');
    });

    it('with any value is refused, comes back, or goes through', async () => {
        await env.registry.sendRevokeImage(env.guardian.getSender(), { imageId });
        const outcomes = new Set<string | null>();
        for (let hundredths = 2n; hundredths < 10n; hundredths += 1n) {
            const valueNano = atPrices(hundredths * toNano('0.01'));
            outcomes.add(thrownBy(await recheck({ imageId }, { valueNano }), env.registry.address));
        }
        expect(outcomes).toContain('Registry: not enough value');
        expect(outcomes).toContain(null);
    });
});
