import { Cell } from '@ton/core';
import { actor } from './actors';
import { bodyOf } from './encode';
import { hex } from './lines';
import { plentyNano } from './model/arrival';
import { perform } from './perform';
import { Operation } from './operation';
import { createModel, createScene, governanceDelaySec, images, modelRoot, raw, Scene } from './scene';
import { World, WorldImage } from './world';

interface Beginning {
    scene: Scene;
    image: WorldImage;
}

let beginning: Promise<Beginning> | undefined;

/** A network as its first week leaves it: governed, two hubs, two providers with admitted nodes, one open escrow. Made once. */
export function firstWeek(): Promise<Beginning> {
    beginning ??= liveFirstWeek();
    return beginning;
}

async function liveFirstWeek(): Promise<Beginning> {
    const scene = await createScene();
    const world = await World.create(scene, createModel(scene));
    await deployRegistry(world);
    await run(world, [
        { do: 'topUpReserve', holder: 0, valueNano: 2_000_000_000 },
        { do: 'topUpReserve', holder: 1, valueNano: 2_000_000_000 },
        { do: 'create', provider: 0, by: 0, pay: 'plenty' },
        { do: 'create', provider: 1, by: 0, pay: 'plenty' },
        { do: 'bond', provider: 0, by: 0, valueNano: 45_000_000_000 },
        { do: 'bond', provider: 1, by: 0, valueNano: 40_100_000_000 },
    ]);
    for (const node of [0, 1, 3, 4, 6, 7, 9, 10]) {
        const key = { node, through: 0, by: 0, pay: 'plenty' } as const;
        await run(world, [
            {
                do: 'register',
                ...key,
                lifeSec: 3 * 86_400,
                image: 0,
                byBond: false,
                platform: Math.floor(node / 4),
                authorized: 0,
            },
        ]);
        await run(world, [{ do: 'admit', ...key, hub: 0 }]);
        if (node < 6) await run(world, [{ do: 'admit', ...key, hub: 1 }]);
    }
    await run(world, [{ do: 'open', escrow: 0, by: 0, session: 0, lifeSec: 86_400, valueNano: 10_000_000_000 }]);
    return { scene, image: world.image() };
}

/** Each operation and all that follows from it. */
async function run(world: World, operations: readonly Operation[]): Promise<void> {
    for (const operation of operations) {
        await perform(world, operation);
        while (await world.deliver(0));
    }
}

/** What governance does once, before the soak: it has no operation of its own, since nothing may change it later. */
async function deployRegistry(world: World): Promise<void> {
    const { registry } = world.scene;
    const { model } = world;
    const say = async (from: Parameters<typeof actor>[0], body: Cell) => {
        const letter = { op: 'foreign' } as const;
        world.send({
            from: actor(from),
            to: registry.address,
            valueNano: plentyNano,
            body,
            letter,
            init: registry.init,
        });
        await world.deliverUnjudged();
    };
    await say('stranger', await bodyOf((chain, sender) => registry.sendDeploy(chain, sender, {})));
    const { code } = world.scene.hubs[0]!.init!;
    const actions = [
        { kind: 'setVerifier', verifier: actor('verifier') },
        { kind: 'allowImage', imageId: images[0], imageKind: 'tdx', name: 'node image' },
        { kind: 'allowImage', imageId: images[1], imageKind: 'sev-snp', name: 'image that clients verify' },
        { kind: 'allowModel', modelRoot, name: 'toy' },
        { kind: 'allowHubCode', codeHash: code.hash(), codeDepth: code.depth(), name: 'hub' },
    ] as const;
    for (const action of actions)
        await say('governor', await bodyOf((chain, sender) => registry.sendPropose(chain, sender, { action })));
    world.chain.now += governanceDelaySec;
    for (let proposalId = 1; proposalId <= actions.length; proposalId += 1) {
        await say('stranger', await bodyOf((chain, sender) => registry.sendExecute(chain, sender, { proposalId })));
    }
    model.registry.verifier = raw(actor('verifier'));
    model.registry.images = new Map([
        [hex(images[0]), 'chain'],
        [hex(images[1]), 'clients'],
    ]);
    model.registry.models.add(hex(modelRoot));
    model.registry.version = actions.length;
    model.registry.lastProposalId = actions.length;
    await world.audit(raw(registry.address));
}
