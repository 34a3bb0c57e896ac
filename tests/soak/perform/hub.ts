import { actor } from '../actors';
import { bodyOf } from '../encode';
import { hex } from '../lines';
import { endpointCell } from '../scene';
import { announcedTo, operatorOr, paid, plain, someone } from './parties';
import { Performers } from './performers';

/** What owners, operators and strangers send to a hub. */
export const hubPerformers: Pick<
    Performers,
    'claim' | 'withdrawFees' | 'setFee' | 'topUpReserve' | 'prune' | 'announce' | 'unlist'
> = {
    async claim(world, { hub: index, by, pay }) {
        const hub = world.scene.hubs[index]!;
        const body = await bodyOf((chain, sender) => hub.sendClaim(chain, sender, {}));
        const valueNano = paid(pay, (await announcedTo(world)).payFeeNano);
        const from = by === 0 ? actor('owner 0') : someone(by);
        world.send({ from, to: hub.address, valueNano, body, letter: { op: 'claim' } });
    },
    async withdrawFees(world, { hub: index, by, pay }) {
        const hub = world.scene.hubs[index]!;
        const body = await bodyOf((chain, sender) => hub.sendWithdrawFees(chain, sender, {}));
        const valueNano = paid(pay, (await announcedTo(world)).payFeeNano);
        world.send({ from: operatorOr(by, index), to: hub.address, valueNano, body, letter: { op: 'withdrawFees' } });
    },
    async setFee(world, { hub: index, by, feeBps, pay }) {
        const hub = world.scene.hubs[index]!;
        const body = await bodyOf((chain, sender) => hub.sendSetFee(chain, sender, { feeBps }));
        world.send({
            from: operatorOr(by, index),
            to: hub.address,
            valueNano: plain(pay),
            body,
            letter: { op: 'setFee', feeBps },
        });
    },
    async topUpReserve(world, { holder: index, valueNano }) {
        const contract = world.scene.hubs[index] ?? world.scene.registry;
        const hub = world.scene.hubs[0]!;
        const body = await bodyOf((chain, sender) => hub.sendTopUp(chain, sender, { valueNano: 1n }));
        const outgoing = { from: actor('stranger'), to: contract.address, body, letter: { op: 'topUp' } as const };
        world.send({ ...outgoing, valueNano: BigInt(valueNano), init: contract.init });
    },
    async prune(world, { node, hub: index, by, pay }) {
        const hub = world.scene.hubs[index]!;
        const nodeKey = world.scene.nodeKeys[node]!.publicKey;
        const body = await bodyOf((chain, sender) => hub.sendPruneNode(chain, sender, { nodeKey }));
        const valueNano = paid(pay, (await announcedTo(world)).pruneFeeNano);
        const from = by === 0 ? actor('stranger') : someone(by);
        world.send({ from, to: hub.address, valueNano, body, letter: { op: 'pruneNode', nodeKey: hex(nodeKey) } });
    },
    async announce(world, { hub: index, by, valueNano }) {
        const hub = world.scene.hubs[index]!;
        const body = await bodyOf((chain, sender) =>
            hub.sendAnnounce(chain, sender, { valueNano: 1n, endpoint: endpointCell }),
        );
        world.send({
            from: operatorOr(by, index),
            to: hub.address,
            valueNano: BigInt(valueNano),
            body,
            letter: { op: 'announceHub' },
        });
    },
    async unlist(world, { hub: index, by, pay }) {
        const hub = world.scene.hubs[index]!;
        const body = await bodyOf((chain, sender) => hub.sendWithdrawListing(chain, sender, {}));
        world.send({
            from: operatorOr(by, index),
            to: hub.address,
            valueNano: plain(pay),
            body,
            letter: { op: 'withdrawListing' },
        });
    },
};
