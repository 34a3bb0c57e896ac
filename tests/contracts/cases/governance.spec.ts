import '@ton/test-utils';
import { beginCell, Cell, toNano } from '@ton/core';
import { Registry as RegistryBinding, storePropose } from '../../../build/Registry/Registry_Registry';
import { encodeGovernanceAction, GovernanceAction } from '../../../wrappers';
import { atPrices } from '../../support/fee-config';
import { comparable, thrownBy } from '../support/outcome';
import { createRegistry, day, governanceDelaySec, imageId, RegistryEnvironment } from '../support/registry-environment';

const gas = toNano('1');
const rogueImage = Buffer.alloc(32, 0x66);

let env: RegistryEnvironment;

beforeEach(async () => {
    env = await createRegistry();
});

afterEach(async () => {
    expect(env.money.leak()).toBe(0n);
    const { storageReserveNano } = await env.registry.getState();
    expect(await env.balanceOf(env.registry.address)).toBeGreaterThanOrEqual(storageReserveNano);
});

const allowRogue = { kind: 'allowImage', imageId: rogueImage, imageKind: 'tdx', name: 'rogue' } as const;

async function execute(proposalId: number, by = env.stranger): Promise<string | null> {
    return thrownBy(
        await env.registry.sendExecute(by.getSender(), { proposalId, valueNano: gas }),
        env.registry.address,
    );
}

async function cancel(proposalId: number, by = env.guardian): Promise<string | null> {
    return thrownBy(
        await env.registry.sendCancel(by.getSender(), { proposalId, valueNano: gas }),
        env.registry.address,
    );
}

describe("case 17: governance tries to: skip the timelock, lower the delay at once, change a child's code, raise a fee above its cap, touch funds", () => {
    it('the timelock is not skipped: not by the owner, not by a proposal made again, not a second early', async () => {
        const first = await env.propose(allowRogue);
        env.pass(governanceDelaySec - 1);
        expect(await execute(first.proposalId, env.owner)).toBe('Registry: proposal is not due yet');
        const second = await env.propose(allowRogue);
        env.pass(1);
        expect(await execute(second.proposalId, env.owner)).toBe('Registry: proposal is not due yet');
        expect(await env.registry.getImageAllowed(rogueImage)).toBe(false);
        expect(await execute(first.proposalId)).toBeNull();
        expect(await execute(first.proposalId)).toBe('Registry: no such proposal');
    });

    it('what is proposed stands in public all the while, and the guardian can stop it', async () => {
        const { proposalId } = await env.propose(allowRogue);
        expect((await env.registry.getProposals()).map(({ id }) => id)).toContain(proposalId);
        expect(await cancel(proposalId)).toBeNull();
        env.pass(governanceDelaySec);
        expect(await execute(proposalId, env.owner)).toBe('Registry: no such proposal');
        expect(await env.registry.getImageAllowed(rogueImage)).toBe(false);
    });

    it("there is no action that lowers the delay, changes a child's code or pays anybody: unknown tags are refused", async () => {
        const { address } = env.registry;
        const before = comparable(await env.registry.getState());
        for (let tag = 0xc0c00700; tag < 0xc0c00720; tag += 1) {
            const action = beginCell()
                .storeUint(tag, 32)
                .storeUint(0, 32)
                .storeAddress(env.owner.address)
                .storeCoins(gas)
                .endCell();
            const body = beginCell().store(storePropose({ $$type: 'Propose', queryId: 0n, action }));
            const result = await env.owner.send({ to: address, value: gas, body: body.endCell() });
            expect(thrownBy(result, address)).not.toBeNull();
        }
        expect(comparable(await env.registry.getState())).toEqual(before);
        const setCode = beginCell()
            .storeUint(RegistryBinding.opcodes.Propose, 32)
            .storeUint(0, 64)
            .storeRef(Cell.EMPTY);
        const result = await env.owner.send({ to: address, value: gas, body: setCode.endCell() });
        expect(thrownBy(result, address)).not.toBeNull();
    });

    it('whatever it executes, no bond, no deposit and no reserve moves', async () => {
        await env.verified();
        const owned = async () => [(await env.provider.getState()).bondNano, await env.balanceOf(env.provider.address)];
        const before = await owned();
        const held = await env.balanceOf(env.registry.address);
        await env.govern({ kind: 'setVerifier', verifier: env.owner.address });
        await env.govern({ kind: 'setGuardian', guardian: env.owner.address });
        await env.govern({ kind: 'allowPlatform', platformId: Buffer.alloc(32, 5) });
        await env.registry.sendRevokeImage(env.owner.getSender(), { imageId, valueNano: gas });
        await env.govern({ kind: 'setOwner', owner: env.stranger.address });
        expect(await owned()).toEqual(before);
        // Storage of hours is all that it may have cost.
        expect(await env.balanceOf(env.registry.address)).toBeGreaterThan(held - atPrices(toNano('0.01')));
    });

    it('a verifier of its own lets it record keys only where a provider has authorised them', async () => {
        await env.govern({ kind: 'setVerifier', verifier: env.owner.address });
        const rogue = { signingKey: Buffer.alloc(32, 0x99) };
        const authorization = beginCell().endCell();
        await env.verified({ from: env.owner, bundle: rogue, authorization });
        expect([...(await env.provider.getKeys())]).toEqual([]);
    });

    it('a replaced owner keeps nothing: its open proposals can be cancelled by the new one, and it makes no more', async () => {
        const replacement = await env.propose({ kind: 'setOwner', owner: env.stranger.address });
        env.pass(60);
        const revenge = await env.propose({ kind: 'setOwner', owner: env.owner.address });
        env.pass(governanceDelaySec - 60);
        expect(await execute(replacement.proposalId)).toBeNull();
        expect(await cancel(revenge.proposalId, env.stranger)).toBeNull();
        env.pass(day);
        expect(await execute(revenge.proposalId, env.owner)).toBe('Registry: no such proposal');
        const late = await env.propose(allowRogue);
        expect(thrownBy(late.result, env.registry.address)).toBe('Registry: sender is not the owner');
    });

    it('the guardian stops neither its own nor the owner’s replacement, and trusts nothing anew', async () => {
        for (const action of [
            { kind: 'setGuardian', guardian: env.stranger.address },
            { kind: 'setOwner', owner: env.stranger.address },
        ] as const) {
            const { proposalId } = await env.propose(action);
            expect(await cancel(proposalId)).toBe('Registry: the guardian can not stop a replacement');
        }
        const { result } = await env.propose(allowRogue, env.guardian);
        expect(thrownBy(result, env.registry.address)).toBe('Registry: sender is not the owner');
    });

    it('two due proposals executed in the order that suits an attacker change no more than each was announced to', async () => {
        const action = (name: string): GovernanceAction => ({ ...allowRogue, name });
        const [first, second] = [await env.propose(action('first')), await env.propose(action('second'))];
        env.pass(governanceDelaySec);
        expect(await execute(second.proposalId)).toBeNull();
        expect(await execute(first.proposalId)).toBeNull();
        expect(await env.registry.getImageAllowed(rogueImage)).toBe(true);
        expect(encodeGovernanceAction(action('first')).hash()).not.toEqual(
            encodeGovernanceAction(action('second')).hash(),
        );
    });
});
