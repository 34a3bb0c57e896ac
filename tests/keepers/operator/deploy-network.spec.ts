import { createECDH } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { Cell, toNano } from '@ton/core';
import { deployNetwork, type NetworkSpec } from '../../../keepers/operator';
import { Registry } from '../../../wrappers';
import { createOperatorChain, TestConsole } from './operator-chain';

const curve = createECDH('prime256v1');
curve.setPrivateKey(Buffer.alloc(32, 5));
const rootPublicKey = curve.getPublicKey().subarray(1);

const spec: NetworkSpec = {
    kind: 'development',
    rootPublicKey,
    governanceDelaySec: 60,
    parameters: { minBondNano: toNano('3'), maxKeyLifeSec: 86_400, minHubBondNano: toNano('5') },
    images: [{ imageId: Buffer.alloc(32, 1), name: 'node 0.1' }],
    models: [{ modelRoot: '02'.repeat(32), name: 'toy' }],
    hubs: [{ closeDelaySec: 120, maxFeeBps: 1000, initialFeeBps: 250, endpoint: 'http://127.0.0.1:9000' }],
};

/** registry, verifier, hub, and five changes proposed and executed */
const messagesNeeded = 3 + 5 + 5;

async function start(wanted: NetworkSpec = spec) {
    const chain = await createOperatorChain();
    const operator = await chain.actor('operator');
    const console = new TestConsole();
    const run = (options = {}) =>
        deployNetwork(operator, wanted, { console, assumeYes: true, clock: chain.clock, ...options });
    return { chain, operator, console, run };
}

async function stateOf({ operator }: Awaited<ReturnType<typeof start>>) {
    const deployment = operator.deployment.read()!;
    const registry = operator.open(Registry.createFromAddress(deployment.registry));
    const { verifier, minBondNano, maxKeyLifeSec, minHubBondNano, version } = await registry.getState();
    return {
        file: readFileSync(operator.deployment.file, 'utf8'),
        verifier: verifier?.toString(),
        parameters: { minBondNano, maxKeyLifeSec, minHubBondNano },
        version,
        images: [...(await registry.getImages())],
        models: [...(await registry.getModels())],
        openProposals: (await registry.getProposals()).length,
    };
}

describe('deploy-network', () => {
    it('brings about what the spec says and records the addresses', async () => {
        const world = await start();
        const deployment = await world.run();
        const state = await stateOf(world);
        expect(state).toMatchObject({
            verifier: deployment!.quoteVerifier!.toString(),
            parameters: spec.parameters,
            version: 5,
            images: [['01'.repeat(32), { imageKind: 'tdx', name: 'node 0.1' }]],
            models: [['02'.repeat(32), 'toy']],
            openProposals: 0,
        });
        expect(deployment!.hubs).toMatchObject([{ closeDelaySec: 120, endpoint: 'http://127.0.0.1:9000' }]);
        expect(JSON.stringify(deployment)).toBe(JSON.stringify(world.operator.deployment.read()));
        expect(world.operator.sender.sent).toHaveLength(messagesNeeded);
        expect(world.console.lines.some((line) => line.startsWith('waiting 60 s'))).toBe(true);
    });

    it('sends nothing the second time', async () => {
        const world = await start();
        await world.run();
        const before = world.operator.sender.sent.length;
        const balance = await world.chain.balance(world.operator.sender.address);
        await world.run();
        expect(world.operator.sender.sent).toHaveLength(before);
        expect(await world.chain.balance(world.operator.sender.address)).toBe(balance);
    });

    it('sends nothing in a dry run and writes no file', async () => {
        const world = await start();
        expect(await world.run({ dryRun: true })).toBeNull();
        expect(world.operator.sender.sent).toHaveLength(0);
        expect(world.operator.deployment.read()).toBeNull();
    });

    it.each(['before', 'after'] as const)(
        'ends the same when it is killed %s each of its messages and run again',
        async (when) => {
            const small = { ...spec, parameters: undefined, models: [] };
            const smooth = await start(small);
            await smooth.run();
            const needed = smooth.operator.sender.sent.length;
            const rough = await start(small);
            // Each run gets one message out at most.
            const allowed = when === 'after' ? 0 : 1;
            for (let runs = 0; rough.operator.sender.sent.length < needed; runs += 1) {
                expect(runs).toBeLessThan(needed);
                rough.operator.sender.crash = { afterMessages: rough.operator.sender.sent.length + allowed, when };
                await rough.run().catch((error: Error) => expect(error.message).toBe('killed'));
            }
            rough.operator.sender.crash = null;
            await rough.run();
            expect(await stateOf(rough)).toEqual(await stateOf(smooth));
            expect(rough.operator.sender.sent).toHaveLength(needed);
            const valueSent = (world: typeof rough) =>
                world.operator.sender.sent.reduce((sum, { value }) => sum + value, 0n);
            expect(valueSent(rough)).toBe(valueSent(smooth));
        },
        120_000,
    );

    it('hands the owner every message that only the owner can send, and goes on once they are sent', async () => {
        const { chain, operator } = await start();
        const owner = await chain.actor('multisig');
        const options = { console: new TestConsole(), assumeYes: true, clock: chain.clock };
        const owned = { ...spec, owner: owner.sender.address };
        const refusal = await deployNetwork(operator, owned, options).then(
            () => null,
            (error: Error & { code: string }) => error,
        );
        expect(refusal?.code).toBe('refused');
        const bodies = [...refusal!.message.matchAll(/with this body, then run this again: (\S+)/g)];
        expect(bodies).toHaveLength(5);
        const to = operator.deployment.read()!.registry;
        for (const [, body] of bodies) {
            await owner.sender.send({ to, value: toNano('0.2'), body: Cell.fromBase64(body!) });
        }
        await deployNetwork(operator, owned, options);
        expect((await operator.open(Registry.createFromAddress(to)).getState()).version).toBe(5);
    });

    it('names every fault of a spec', async () => {
        const world = await start();
        const wrong = { ...spec, governanceDelaySec: -1, images: [{ imageId: 'xyz', name: '' }] };
        await expect(deployNetwork(world.operator, wrong, { console: world.console })).rejects.toMatchObject({
            code: 'argument_invalid',
            message: expect.stringMatching(/governanceDelaySec.*images\.0\.imageId.*images\.0\.name/) as string,
        });
    });

    it('refuses another root key than Intel’s for production, and a file of another network', async () => {
        const world = await start();
        const production = { ...spec, kind: 'production' as const };
        const options = { console: world.console, assumeYes: true, clock: world.chain.clock };
        await expect(deployNetwork(world.operator, production, options)).rejects.toThrow('Intel’s root key');
        await world.run();
        await expect(deployNetwork(world.operator, { ...spec, salt: 1 }, options)).rejects.toThrow(
            'of another network',
        );
    });
});
