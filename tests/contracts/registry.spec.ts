import '@ton/test-utils';
import { Address, beginCell, Cell, toNano } from '@ton/core';
import { loadRegistryChanged, Registry as RegistryBinding, storePropose } from '../../build/Registry/Registry_Registry';
import {
    changeLogHash,
    decodeRegistryChange,
    encodeGovernanceAction,
    GovernanceAction,
    Registry,
    RegistryParameters,
} from '../../wrappers';
import { comparable, eventOf, gasOf, thrownBy, valueTo } from './support/outcome';
import {
    createRegistry,
    day,
    governanceDelaySec,
    parameters,
    RegistryEnvironment,
} from './support/registry-environment';
import { atPrices } from '../support/fee-config';
import { tonClientOf } from '../support/ton-client-of';

const { opcodes } = RegistryBinding;
const id = (byte: number) => Buffer.alloc(32, byte);
const allow = (byte: number): GovernanceAction => ({
    kind: 'allowImage',
    imageId: id(byte),
    imageKind: 'tdx',
    name: `image ${byte}`,
});

let env: RegistryEnvironment;

afterEach(async () => {
    expect(env.money.leak()).toBe(0n);
    const { storageReserveNano } = await env.registry.getState();
    expect(await env.balanceOf(env.registry.address)).toBeGreaterThanOrEqual(storageReserveNano);
});

async function expectThrow(reason: string, sent: Promise<{ result: Parameters<typeof thrownBy>[0] }>) {
    const before = comparable(await env.registry.getState());
    const { result } = await sent;
    expect(thrownBy(result, env.registry.address)).toBe(reason);
    expect(comparable(await env.registry.getState())).toEqual(before);
}

const sent = async (result: Promise<Parameters<typeof thrownBy>[0]>) => ({ result: await result });

describe('a new registry', () => {
    it('has its kind and root key in its address', async () => {
        env = await createRegistry({ isBare: true });
        const config = await env.registry.getState();
        expect(config).toMatchObject({ kind: 'development', version: 0, verifier: null, salt: 1, governanceDelaySec });
        expect(config.logHash).toEqual(Buffer.alloc(32));
        const same = await Registry.createFromConfig(config);
        expect(same.address).toEqualAddress(env.registry.address);
        const production = await Registry.createFromConfig({ ...config, kind: 'production' });
        const otherRoot = await Registry.createFromConfig({ ...config, rootKey: Buffer.alloc(64, 0x78) });
        expect(production.address).not.toEqualAddress(same.address);
        expect(otherRoot.address).not.toEqualAddress(same.address);
    });

    it('refuses a deployment that can not pay for its storage, unknown opcodes and plain transfers', async () => {
        env = await createRegistry({ isBare: true });
        const config = await env.registry.getState();
        const other = env.blockchain.openContract(await Registry.createFromConfig({ ...config, salt: 2 }));
        const poor = await other.sendDeploy(env.stranger.getSender(), { valueNano: toNano('0.05') });
        expect(thrownBy(poor, other.address)).toBe('Registry: not enough value');
        const to = env.registry.address;
        const unknown = beginCell().storeUint(0xc0c0ffff, 32).endCell();
        expect(thrownBy(await env.owner.send({ to, value: toNano('1'), body: unknown }), to)).not.toBeNull();
        expect(thrownBy(await env.owner.send({ to, value: toNano('1') }), to)).not.toBeNull();
    });
});

describe('a proposal', () => {
    it('takes effect after the delay, by anyone, and costs its sender the fees only', async () => {
        env = await createRegistry({ isBare: true });
        const { result, proposalId } = await env.propose(allow(1));
        expect(valueTo(result, env.owner.address, opcodes.Excesses)).toBeGreaterThan(toNano('0.1'));
        expect(eventOf(result, opcodes.ProposalMade)).not.toBeNull();
        const proposal = {
            id: proposalId,
            executableAt: env.blockchain.now! + governanceDelaySec,
            action: allow(1),
        };
        expect(await env.registry.getProposal(proposalId)).toEqual(proposal);
        const byClient = tonClientOf(env.blockchain).open(Registry.createFromAddress(env.registry.address));
        expect(await byClient.getProposal(proposalId)).toEqual(proposal);
        env.pass(governanceDelaySec - 1);
        const execute = () => env.registry.sendExecute(env.stranger.getSender(), { proposalId });
        await expectThrow('Registry: proposal is not due yet', sent(execute()));
        expect(await env.registry.getImageAllowed(id(1))).toBe(false);
        env.pass(1);
        const executed = await execute();
        expect(thrownBy(executed, env.registry.address)).toBeNull();
        expect(valueTo(executed, env.stranger.address, opcodes.Excesses)).toBeGreaterThan(toNano('0.1'));
        expect(await env.registry.getImageAllowed(id(1))).toBe(true);
        expect(await env.registry.getImages()).toEqual(
            new Map([[id(1).toString('hex'), { imageKind: 'tdx', name: 'image 1' }]]),
        );
        await expectThrow('Registry: no such proposal', sent(execute()));
    });

    it('comes from the owner only', async () => {
        env = await createRegistry({ isBare: true });
        for (const by of [env.stranger, env.guardian]) {
            await expectThrow('Registry: sender is not the owner', env.propose(allow(1), by));
        }
    });

    it('can do each of the known actions and nothing else', async () => {
        env = await createRegistry({ isBare: true });
        await env.registry.sendDenyPlatform(env.owner.getSender(), { platformId: id(3) });
        const verifier = Address.parseRaw('0:' + '55'.repeat(32));
        await env.govern({ kind: 'allowModel', modelRoot: id(2), name: 'modèle' });
        await env.govern({ kind: 'allowPlatform', platformId: id(3) });
        await env.govern({ kind: 'allowPlatform', platformId: id(4) });
        await env.govern({ kind: 'setVerifier', verifier });
        const retiresAt = env.blockchain.now! + day;
        await env.govern({ kind: 'retireHubCode', codeHash: id(5), retiresAt });
        await env.govern({ kind: 'allowHubCode', codeHash: id(5), codeDepth: 9, name: 'hub' });
        await env.govern({ kind: 'retireHubCode', codeHash: id(5), retiresAt });
        const hubCode = { depth: 9, name: 'hub', retiresAt };
        expect(await env.registry.getHubCodes()).toEqual(new Map([[id(5).toString('hex'), hubCode]]));
        const set = {
            minBondNano: 5n,
            maxKeyLifeSec: 30 * day,
            minHubBondNano: 7n,
            minClientVerifiedBondNano: 6n,
            maxKeysPerPlatform: 7,
            maxHubFeeBps: 10_000,
            minCloseDelaySec: 60,
        };
        await env.setParameters(set);
        await env.govern({ kind: 'setGuardian', guardian: env.stranger.address });
        await env.govern({ kind: 'setOwner', owner: env.guardian.address });
        const state = await env.registry.getState();
        expect(state).toMatchObject({ version: 11, ...set });
        expect(state.verifier).toEqualAddress(verifier);
        expect(state.guardian).toEqualAddress(env.stranger.address);
        expect(state.owner).toEqualAddress(env.guardian.address);
        expect(await env.registry.getModelAllowed(id(2))).toBe(true);
        expect(await env.registry.getModels()).toEqual(new Map([[id(2).toString('hex'), 'modèle']]));
        expect(await env.registry.getPlatformDenied(id(3))).toBe(false);
        await expectThrow('Registry: sender is not the owner', env.propose(allow(1)));
    });

    it('is checked when it is made: unknown, truncated or padded actions and values out of bounds are refused', async () => {
        env = await createRegistry({ isBare: true });
        const raw = (action: Cell) => {
            const body = beginCell()
                .store(storePropose({ $$type: 'Propose', queryId: 0n, action }))
                .endCell();
            return sent(env.owner.send({ to: env.registry.address, value: toNano('0.3'), body }));
        };
        const good = encodeGovernanceAction(allow(1));
        const padded = beginCell().storeSlice(good.beginParse()).storeBit(true).endCell();
        const extended = beginCell().storeSlice(good.beginParse()).storeRef(Cell.EMPTY).endCell();
        await expectThrow('Cell underflow', raw(padded));
        await expectThrow('Cell underflow', raw(extended));
        // The amount 1 in two bytes where one does.
        const wideCoins = beginCell().storeUint(0xc0c00704, 32).storeUint(2, 4).storeUint(1, 16).storeUint(1, 32);
        const others = wideCoins.storeCoins(1n).storeCoins(1n).storeUint(1, 8).storeUint(1, 16).storeUint(60, 32);
        await expectThrow('Registry: malformed action', raw(others.endCell()));
        await expectThrow('Registry: unknown action', raw(beginCell().storeUint(0xc0c0070b, 32).endCell()));
        const policy = (statuses: number) =>
            beginCell().storeUint(0xc0c0070a, 32).storeUint(statuses, 16).storeUint(0, 32).endCell();
        // Bit 6 is Revoked; there is no ninth status.
        for (const statuses of [0, 1 << 6, 1 << 9]) {
            await expectThrow('Registry: no such status of a platform', raw(policy(statuses)));
        }
        await expectThrow('Registry: unknown action', raw(beginCell().storeUint(0, 32).endCell()));
        await expectThrow('Cell underflow', raw(Cell.EMPTY));
        await expectThrow('Cell underflow', raw(beginCell().storeUint(0xc0c00701, 32).storeUint(1, 200).endCell()));
        const named = (name: Cell) => beginCell().storeUint(0xc0c00702, 32).storeUint(1, 256).storeRef(name).endCell();
        for (const name of [
            beginCell().storeBuffer(Buffer.alloc(127)).storeUint(0, 7).endCell(),
            beginCell().storeUint(0, 7).endCell(),
            beginCell().storeRef(Cell.EMPTY).endCell(),
        ]) {
            await expectThrow('Registry: malformed name', raw(named(name)));
        }
        expect(
            thrownBy(
                (await raw(named(beginCell().storeBuffer(Buffer.alloc(127, 65)).endCell()))).result,
                env.registry.address,
            ),
        ).toBeNull();
        const masterchain = new Address(-1, id(1));
        await expectThrow(
            'Registry: verifier not in workchain 0',
            env.propose({ kind: 'setVerifier', verifier: masterchain }),
        );
        const noKind = beginCell().storeUint(0xc0c00701, 32).storeUint(1, 256).storeUint(3, 8).storeRef(Cell.EMPTY);
        await expectThrow('Registry: unknown kind of image', raw(noKind.endCell()));
        const past = { kind: 'retireHubCode', codeHash: id(1), retiresAt: env.blockchain.now! } as const;
        await expectThrow('Registry: retirement lies in the past', env.propose(past));
        const beyond = new Address(5, id(1));
        await expectThrow('Registry: no such workchain', env.propose({ kind: 'setOwner', owner: beyond }));
        await expectThrow('Registry: no such workchain', env.propose({ kind: 'setGuardian', guardian: beyond }));
        for (const tag of [0xc0c00705, 0xc0c00706]) {
            const nobody = beginCell().storeUint(tag, 32).storeUint(0, 2).endCell();
            const { result } = await raw(nobody);
            expect(thrownBy(result, env.registry.address)).not.toBeNull();
        }
        expect((await env.registry.getState()).version).toBe(0);
        expect(await env.registry.getProposals()).toHaveLength(1);
    });

    it('keeps each parameter within its bounds', async () => {
        env = await createRegistry({ isBare: true });
        const largest = toNano('1000000');
        const bounds: [string, Partial<RegistryParameters>[], Partial<RegistryParameters>[]][] = [
            [
                'key life out of bounds',
                [{ maxKeyLifeSec: 0 }, { maxKeyLifeSec: 30 * day + 1 }],
                [{ maxKeyLifeSec: 1 }, { maxKeyLifeSec: 30 * day }],
            ],
            [
                'bond out of bounds',
                [
                    { minBondNano: 0n },
                    { minHubBondNano: 0n },
                    { minHubBondNano: largest + 1n },
                    { minClientVerifiedBondNano: largest + 1n },
                    { minBondNano: largest + 1n, minClientVerifiedBondNano: largest + 1n },
                ],
                [
                    { minHubBondNano: largest },
                    { minBondNano: largest, minClientVerifiedBondNano: largest },
                    { minBondNano: 1n, minHubBondNano: 1n, minClientVerifiedBondNano: 1n },
                ],
            ],
            [
                'a key that only clients verify needs the higher bond',
                [{ minBondNano: 6n, minClientVerifiedBondNano: 5n }],
                [{ minBondNano: 5n, minClientVerifiedBondNano: 5n }],
            ],
            [
                'keys per platform out of bounds',
                [{ maxKeysPerPlatform: 0 }, { maxKeysPerPlatform: 8 }],
                [{ maxKeysPerPlatform: 1 }, { maxKeysPerPlatform: 7 }],
            ],
            ['hub fee out of bounds', [{ maxHubFeeBps: 10_001 }], [{ maxHubFeeBps: 10_000 }, { maxHubFeeBps: 0 }]],
            [
                'close delay out of bounds',
                [{ minCloseDelaySec: 59 }, { minCloseDelaySec: day + 1 }],
                [{ minCloseDelaySec: 60 }, { minCloseDelaySec: day }],
            ],
        ];
        const propose = (changes: Partial<RegistryParameters>) =>
            env.propose({ kind: 'setParameters', ...parameters, ...changes });
        for (const [reason, outside, inside] of bounds) {
            for (const changes of outside) await expectThrow(`Registry: ${reason}`, propose(changes));
            for (const changes of inside) {
                expect(thrownBy((await propose(changes)).result, env.registry.address)).toBeNull();
            }
        }
    });

    it('waits with at most 31 others', async () => {
        env = await createRegistry({ isBare: true });
        for (let i = 0; i < 32; i += 1) await env.propose(allow(i));
        await expectThrow('Registry: too many proposals', env.propose(allow(33)));
        await env.registry.sendCancel(env.owner.getSender(), { proposalId: 1 });
        const { result } = await env.propose(allow(33));
        expect(thrownBy(result, env.registry.address)).toBeNull();
        expect(gasOf(result, env.registry.address)).toBeLessThan(35_000);
    });

    it('is cancelled by the owner or the guardian, for good', async () => {
        env = await createRegistry({ isBare: true });
        const cancel = (proposalId: number, by = env.guardian) =>
            env.registry.sendCancel(by.getSender(), { proposalId });
        const first = (await env.propose(allow(1))).proposalId;
        const second = (await env.propose(allow(2))).proposalId;
        await expectThrow('Registry: sender is neither owner nor guardian', sent(cancel(first, env.stranger)));
        expect(eventOf(await cancel(first), opcodes.ProposalCancelled)).not.toBeNull();
        expect(thrownBy(await cancel(second, env.owner), env.registry.address)).toBeNull();
        env.pass(governanceDelaySec);
        for (const proposalId of [first, second, 99]) {
            const executed = env.registry.sendExecute(env.owner.getSender(), { proposalId });
            await expectThrow('Registry: no such proposal', sent(executed));
        }
        expect(await env.registry.getImages()).toEqual(new Map());
    });

    it('that replaces owner or guardian is beyond the guardian, but not beyond the owner', async () => {
        env = await createRegistry({ isBare: true });
        for (const action of [
            { kind: 'setOwner', owner: env.stranger.address },
            { kind: 'setGuardian', guardian: env.stranger.address },
        ] as const) {
            const { proposalId } = await env.propose(action);
            const cancel = (by: typeof env.owner) => env.registry.sendCancel(by.getSender(), { proposalId });
            await expectThrow('Registry: the guardian can not stop a replacement', sent(cancel(env.guardian)));
            expect(thrownBy(await cancel(env.owner), env.registry.address)).toBeNull();
        }
    });

    it('is refused when it does not pay its way', async () => {
        env = await createRegistry({ isBare: true });
        const poor = { action: allow(1), valueNano: atPrices(toNano('0.015')) };
        await expectThrow('Registry: not enough value', sent(env.registry.sendPropose(env.owner.getSender(), poor)));
    });

    it('with any value is either refused as a whole or goes through: the check of the value is never too low', async () => {
        env = await createRegistry({ isBare: true });
        const outcomes = new Set<string | null>();
        for (let valueNano = toNano('0.01'); valueNano < toNano('0.05'); valueNano += toNano('0.002')) {
            const action = { ...allow(1), name: 'n'.repeat(127) };
            const result = await env.registry.sendPropose(env.owner.getSender(), {
                action,
                valueNano: atPrices(valueNano),
            });
            outcomes.add(thrownBy(result, env.registry.address));
        }
        expect([...outcomes]).toEqual(['Registry: not enough value', null]);
    });
});

describe('a revocation', () => {
    it('takes effect at once, by the owner or the guardian only', async () => {
        env = await createRegistry({ isBare: true });
        for (const byte of [1, 2]) {
            await env.govern(allow(byte));
            await env.govern({ kind: 'allowModel', modelRoot: id(byte), name: 'model' });
            await env.govern({ kind: 'allowHubCode', codeHash: id(byte), codeDepth: 3, name: 'hub' });
        }
        const neither = 'Registry: sender is neither owner nor guardian';
        const revokeAll = (byte: number, by: typeof env.owner) => [
            () => env.registry.sendRevokeImage(by.getSender(), { imageId: id(byte) }),
            () => env.registry.sendRevokeModel(by.getSender(), { modelRoot: id(byte) }),
            () => env.registry.sendDenyPlatform(by.getSender(), { platformId: id(byte) }),
            () => env.registry.sendRevokeHubCode(by.getSender(), { codeHash: id(byte) }),
        ];
        for (const revoke of revokeAll(1, env.stranger)) await expectThrow(neither, sent(revoke()));
        for (const revoke of revokeAll(1, env.owner)) expect(thrownBy(await revoke(), env.registry.address)).toBeNull();
        for (const revoke of revokeAll(2, env.guardian)) {
            expect(thrownBy(await revoke(), env.registry.address)).toBeNull();
        }
        expect(await env.registry.getImages()).toEqual(new Map());
        expect(await env.registry.getModels()).toEqual(new Map());
        const denied = [id(1), id(2)].map((platform) => platform.toString('hex'));
        expect(await env.registry.getDeniedPlatforms()).toEqual(new Set(denied));
        expect(await env.registry.getHubCodes()).toEqual(new Map());
        const [image, model, platform, hubCode] = revokeAll(1, env.owner);
        await expectThrow('Registry: no such image', sent(image!()));
        await expectThrow('Registry: no such model', sent(model!()));
        await expectThrow('Registry: platform already denied', sent(platform!()));
        await expectThrow('Registry: no such hub code', sent(hubCode!()));
    });
});

describe('the change log', () => {
    it('chains every change, so that a client can recompute it from the events', async () => {
        env = await createRegistry({ isBare: true });
        const results = [
            await env.govern(allow(1)),
            await env.registry.sendRevokeImage(env.guardian.getSender(), { imageId: id(1) }),
            await env.setParameters({ maxKeyLifeSec: day }),
            await env.registry.sendDenyPlatform(env.guardian.getSender(), { platformId: id(3) }),
            await env.govern({ kind: 'allowModel', modelRoot: id(2), name: 'm' }),
            await env.registry.sendRevokeModel(env.guardian.getSender(), { modelRoot: id(2) }),
        ];
        let previous: Buffer = Buffer.alloc(32);
        const kinds: string[] = [];
        for (const [index, result] of results.entries()) {
            const event = loadRegistryChanged(eventOf(result, opcodes.RegistryChanged)!.beginParse());
            const { action } = event;
            const changedAt = Number(event.changedAt);
            previous = changeLogHash({ previous, version: index + 1, action, changedAt });
            expect(event.version).toBe(BigInt(index + 1));
            expect(event.logHash).toBe(BigInt('0x' + previous.toString('hex')));
            kinds.push(decodeRegistryChange(action).kind);
        }
        expect(kinds.join(' ')).toBe('allowImage revokeImage setParameters denyPlatform allowModel revokeModel');
        expect(await env.registry.getState()).toMatchObject({ version: 6, logHash: previous });
    });
});
