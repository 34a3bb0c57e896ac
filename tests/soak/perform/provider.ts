import { Address } from '@ton/core';
import { actor } from '../actors';
import { bodyOf } from '../encode';
import { hex } from '../lines';
import { Letter } from '../model/letter';
import { raw } from '../scene';
import { slashing } from '../slashing';
import { ownerOr, plain, providerAt, someone } from './parties';
import { Performers } from './performers';

/** What owners and strangers send to a provider. */
export const providerPerformers: Pick<
    Performers,
    'create' | 'bond' | 'unbond' | 'withdrawBond' | 'revoke' | 'admit' | 'slash'
> = {
    async create(world, { provider: index, by, pay }) {
        const provider = world.scene.providers[index]!;
        const operatorKey = world.scene.operatorKeys[index]!.publicKey;
        const body = await bodyOf((chain, sender) => provider.sendCreate(chain, sender, { operatorKey }));
        const letter: Letter = { op: 'createProvider', operatorKey: hex(operatorKey) };
        world.send({
            from: ownerOr(by, index),
            to: provider.address,
            valueNano: plain(pay),
            body,
            letter,
            init: provider.init,
        });
    },
    async bond(world, { provider: index, by, valueNano }) {
        const provider = world.scene.providers[index]!;
        const body = await bodyOf((chain, sender) => provider.sendBond(chain, sender, { valueNano: 1n }));
        const { init } = provider;
        world.send({
            from: ownerOr(by, index),
            to: provider.address,
            valueNano: BigInt(valueNano),
            body,
            letter: { op: 'bond' },
            init,
        });
    },
    async unbond(world, { provider: index, by, permille, pay }) {
        const { provider, model } = providerAt(world, index);
        const amountNano = (model.bondNano * BigInt(permille)) / 1000n;
        const body = await bodyOf((chain, sender) => provider.sendUnbond(chain, sender, { amountNano }));
        const { init } = provider;
        world.send({
            from: ownerOr(by, index),
            to: provider.address,
            valueNano: plain(pay),
            body,
            letter: { op: 'unbond', amountNano },
            init,
        });
    },
    async withdrawBond(world, { provider: index, by, pay }) {
        const provider = world.scene.providers[index]!;
        const body = await bodyOf((chain, sender) => provider.sendWithdrawBond(chain, sender, {}));
        const { init } = provider;
        world.send({
            from: ownerOr(by, index),
            to: provider.address,
            valueNano: plain(pay),
            body,
            letter: { op: 'withdrawBond' },
            init,
        });
    },
    async revoke(world, { node, by, pay }) {
        const index = node % world.scene.providers.length;
        const provider = world.scene.providers[index]!;
        const nodeKey = world.scene.nodeKeys[node]!.publicKey;
        const body = await bodyOf((chain, sender) => provider.sendRevokeKey(chain, sender, { nodeKey }));
        const letter: Letter = { op: 'revokeKey', nodeKey: hex(nodeKey) };
        world.send({
            from: ownerOr(by, index),
            to: provider.address,
            valueNano: plain(pay),
            body,
            letter,
            init: provider.init,
        });
    },
    async admit(world, { node, through, hub, by, pay }) {
        const provider = world.scene.providers[(node + through) % world.scene.providers.length]!;
        const nodeKey = world.scene.nodeKeys[node]!.publicKey;
        const to = world.scene.hubs[hub]?.address ?? new Address(0, Buffer.alloc(32, 0xee));
        const body = await bodyOf((chain, sender) =>
            provider.sendRequestAdmission(chain, sender, { nodeKey, hub: to }),
        );
        const letter: Letter = { op: 'requestAdmission', nodeKey: hex(nodeKey), hub: raw(to) };
        const from = by === 0 ? actor('settler 0') : someone(by);
        world.send({ from, to: provider.address, valueNano: plain(pay), body, letter, init: provider.init });
    },
    async slash(world, { node, by, first, second, pay }) {
        const provider = world.scene.providers[node % world.scene.providers.length]!;
        const key = world.scene.nodeKeys[node]!;
        const evidence = slashing(world, key, first, second);
        const body = await bodyOf((chain, sender) => provider.sendSlash(chain, sender, evidence.options));
        const letter: Letter = { op: 'slash', nodeKey: hex(key.publicKey), proves: evidence.proves };
        const from = by === 0 ? actor('stranger') : someone(by);
        world.send({ from, to: provider.address, valueNano: plain(pay), body, letter, init: provider.init });
    },
};
