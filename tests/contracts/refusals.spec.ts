import '@ton/test-utils';
import { Address, beginCell, Cell, toNano } from '@ton/core';
import { internal } from '@ton/sandbox';
import { loadRecordKey, Provider as ProviderBinding } from '../../build/Provider/Provider_Provider';
import { Registry as RegistryBinding, storeKeyRefused } from '../../build/Registry/Registry_Registry';
import { authorizationCell } from '../../wrappers';
import { atPrices } from '../support/fee-config';
import { testKey } from './support/ed25519';
import { bodyTo, gasOf, keyRefusalTo, refusalTo, thrownBy, valueTo } from './support/outcome';
import { createRegistry, day, platformId, RegistryEnvironment, VerifiedOptions } from './support/registry-environment';

const { opcodes } = RegistryBinding;
const key = (index: number) => testKey(`node ${index}`).publicKey;
const nowhere = Buffer.alloc(32, 0x99);

let env: RegistryEnvironment;

beforeEach(async () => {
    env = await createRegistry();
});

afterEach(async () => {
    expect(env.money.leak()).toBe(0n);
    const { storageReserveNano, hubBondsNano } = await env.registry.getState();
    expect(await env.balanceOf(env.registry.address)).toBeGreaterThanOrEqual(storageReserveNano + hubBondsNano);
});

const places = () => env.registry.getPlatformKeys(platformId);
const unauthorized = (options: VerifiedOptions = {}) =>
    env.verified({ ...options, authorization: authorizationCell() });

/** The ticket of the RecordKey that a registration sent. */
function ticketOf(result: Awaited<ReturnType<typeof unauthorized>>): bigint {
    const body = bodyTo(result, env.provider.address, ProviderBinding.opcodes.RecordKey)!;
    return loadRecordKey(body.beginParse()).ticket;
}

/** KeyRefused as somebody else than the provider might send it. */
async function refuse(from: Address, ticket: bigint, changes: { notAfter?: bigint; value?: bigint } = {}) {
    const body = beginCell().store(
        storeKeyRefused({
            $$type: 'KeyRefused',
            queryId: 8n,
            ticket,
            reason: 4000n,
            notAfter: changes.notAfter ?? 0n,
            responseTo: env.stranger.address,
        }),
    );
    const value = changes.value ?? atPrices(toNano('0.5'));
    env.money.minted(value);
    return env.blockchain.sendMessage(
        internal({ from, to: env.registry.address, value, body: body.endCell(), bounce: true }),
    );
}

describe('a key that its provider refuses', () => {
    it('leaves its place on the platform free, and reason and value go to who asked', async () => {
        const result = await unauthorized({ queryId: 31n });
        expect(keyRefusalTo(result, env.registry.address)).toBe('Provider: bundle not authorized');
        expect(refusalTo(result, env.registrar.address)).toBe('Provider: bundle not authorized');
        const body = bodyTo(result, env.registrar.address, opcodes.RegistrationRefused)!;
        expect(body.beginParse().skip(32).loadUint(64)).toBe(31);
        expect(valueTo(result, env.registrar.address, opcodes.RegistrationRefused)).toBeGreaterThan(
            atPrices(toNano('0.4')),
        );
        expect(await places()).toEqual([]);
    });

    it('costs the registry less than it asked for, with the fullest platform', async () => {
        await env.provider.sendBond(env.stranger.getSender(), { valueNano: toNano('80') });
        await env.setParameters({ maxKeysPerPlatform: 7 });
        for (let index = 0; index < 6; index += 1) await env.verified({ bundle: { signingKey: key(index) } });
        const result = await unauthorized({ bundle: { signingKey: key(6) } });
        expect(await places()).toHaveLength(6);
        const taken = result.transactions.filter(
            (tx) => tx.inMessage?.info.src?.toString() === env.provider.address.toString(),
        );
        const used = taken.map(({ description }) =>
            description.type === 'generic' && description.computePhase.type === 'vm'
                ? description.computePhase.gasUsed
                : 0n,
        );
        expect(used.length).toBeGreaterThan(0);
        for (const gas of used) expect(gas).toBeLessThan(40_000n);
        expect(gasOf(result, env.registry.address)).toBeLessThan(100_000);
    });

    it('that was recorded before keeps its place until the end that the provider knows of', async () => {
        await env.verified();
        const { notAfter } = (await places())[0]!;
        env.pass(day);
        await unauthorized();
        expect(await places()).toMatchObject([{ notAfter }]);
        await env.provider.sendRevokeKey(env.providerOwner.getSender(), { nodeKey: key(0) });
        const revoked = await env.verified({ bundle: { notAfter: notAfter + 10 } });
        expect(refusalTo(revoked, env.registrar.address)).toBe('Provider: key is revoked');
        // Hubs that nobody told still take it for live, and so must its platform.
        expect(await places()).toMatchObject([{ notAfter }]);
    });

    it('at an address without a provider holds no place either, however often it is tried', async () => {
        await env.verified({ bundle: { signingKey: key(1) } });
        for (let round = 0; round < 6; round += 1) {
            const result = await env.verified({ bundle: { provider: nowhere, signingKey: key(round) } });
            expect(refusalTo(result, env.registrar.address)).toBe('Registry: no provider took the key');
            expect(await places()).toHaveLength(1);
        }
    });
});

describe('two registrations of one key on their way at once', () => {
    /** Sends both to the registry, then lets their answers come in. */
    async function race(...quotes: VerifiedOptions[]): Promise<void> {
        const bodies: Cell[] = [];
        const capture = { ...env.verifier, send: env.verifier.send };
        for (const quote of quotes) {
            await env.verified({
                ...quote,
                from: Object.assign(Object.create(env.verifier) as typeof env.verifier, {
                    ...capture,
                    send: (message: { body?: Cell }) => {
                        bodies.push(message.body!);
                        return Promise.resolve(undefined as never);
                    },
                }),
            });
        }
        const value = atPrices(toNano('0.5'));
        env.money.minted(value * BigInt(bodies.length));
        const traces = [];
        for (const body of bodies) {
            const message = { from: env.verifier.address, to: env.registry.address, value, body, bounce: true };
            const steps = await env.blockchain.sendMessageIter(internal(message), { allowParallel: true });
            await steps.next();
            traces.push(steps);
        }
        for (const steps of traces) for await (const step of steps) void step;
    }

    it('hold one place when the second is recorded, though the first is refused after it was sent', async () => {
        await race({ authorization: authorizationCell() }, {});
        expect(await env.provider.getKey(key(0))).not.toBeNull();
        expect(await places()).toHaveLength(1);
    });

    it('hold the place of the first when the second is refused', async () => {
        await race({}, { bundle: { notAfter: env.blockchain.now! + day }, authorization: authorizationCell() });
        expect(await env.provider.getKey(key(0))).not.toBeNull();
        expect(await places()).toMatchObject([{ notAfter: env.blockchain.now! + 2 * day }]);
    });

    it('hold none when both are refused, or when there is no provider', async () => {
        await race({ authorization: authorizationCell() }, { authorization: authorizationCell() });
        expect(await places()).toEqual([]);
        await race({ bundle: { provider: nowhere } }, { bundle: { provider: nowhere } });
        expect(await places()).toEqual([]);
    });
});

describe('a refusal', () => {
    it('is taken from the provider that was asked only', async () => {
        await env.verified();
        const state = await env.registry.getPlatformKeys(platformId);
        for (let ticket = 60n; ticket < 70n; ticket += 1n) {
            const result = await refuse(env.stranger.address, ticket);
            const thrown = thrownBy(result, env.registry.address);
            // The one ticket that is remembered; of others nothing is known, and the value goes on.
            expect(thrown).toBe(ticket === 65n ? 'Registry: sender is not the provider that was asked' : null);
            expect(refusalTo(result, env.stranger.address)).toBeNull();
        }
        expect(await places()).toEqual(state);
    });

    it('counts once: a second one of the same ticket only brings its value to who it names', async () => {
        const result = await unauthorized();
        await env.verified();
        const again = await refuse(env.provider.address, ticketOf(result));
        expect(valueTo(again, env.stranger.address, opcodes.Excesses)).toBeGreaterThan(0n);
        expect(await places()).toHaveLength(1);
    });

    it('after 64 later messages frees no place and still returns the value', async () => {
        const result = await env.verified();
        const ticket = ticketOf(result);
        const recheck = () =>
            env.registry.sendRecheck(env.stranger.getSender(), {
                provider: env.provider.address,
                hub: env.guardian.address,
                nodeKey: key(0),
                distrusted: { imageId: Buffer.alloc(32, 9) },
            });
        for (let i = 0; i < 63; i += 1) await recheck();
        expect(thrownBy(await refuse(env.stranger.address, ticket), env.registry.address)).toBe(
            'Registry: sender is not the provider that was asked',
        );
        await recheck();
        const late = await refuse(env.provider.address, ticket);
        expect(valueTo(late, env.stranger.address, opcodes.Excesses)).toBeGreaterThan(0n);
        expect(await places()).toHaveLength(1);
    });
});
