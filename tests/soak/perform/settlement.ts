import { Address, beginCell } from '@ton/core';
import { storeSettle } from '../../../build/Payout/Payout_Payout';
import { actor } from '../actors';
import { chainLines, hex, makeLine } from '../lines';
import { plentyNano } from '../model/arrival';
import { announcedTo, escrowAt, paid, presentSession, sessionOf, someone } from './parties';
import { settlesUntil } from '../model/hub-model';
import { World } from '../world';
import { Performers } from './performers';

/** Receipts and caps on their way to a hub. */
export const settlementPerformers: Pick<Performers, 'settle' | 'replay'> = {
    async settle(world, { stray, escrow: choice, by, epochShift, pay, lines: choices }) {
        const index = stray ? choice : oneOf(openEscrows(world), choice);
        const { escrow, model } = escrowAt(world, index);
        const good = stray ? [] : goodNodes(world, model.hub);
        const epoch = Math.max(0, model.epoch + epochShift);
        const place = {
            network: world.scene.registry.network,
            escrow: escrow.address.hash,
            escrowName: model.address,
            epoch,
        };
        const lines = choices.map((choice) => {
            const node = world.scene.nodeKeys[oneOf(good, choice.node)]!;
            const session =
                choice.session === 0 ? presentSession(index, model.sessionKey) : sessionOf(index, choice.session);
            return makeLine(place, choice, node, session, model.paid.get(hex(node.publicKey)) ?? 0n);
        });
        const facts = lines.map((line) => line.facts);
        world.noteSigned(facts);
        const queryId = BigInt(world.sentSettlements.length + 1);
        const settle = {
            queryId,
            escrow: escrow.address,
            epoch: BigInt(epoch),
            lines: chainLines(lines.map(({ cell }) => cell)),
        };
        const announced = (await announcedTo(world)).settleFeeNano(lines.length);
        const outgoing = {
            to: Address.parse(model.hub),
            valueNano: paid(pay, announced),
            body: beginCell()
                .store(storeSettle({ $$type: 'Settle', ...settle }))
                .endCell(),
            letter: { op: 'settle', queryId, escrow: model.address, epoch, lines: facts } as const,
        };
        world.sentSettlements.push(outgoing);
        world.send({ ...outgoing, from: by === 0 ? actor('settler 0') : someone(by) });
    },
    async replay(world, { which, by }) {
        const { length } = world.sentSettlements;
        const old = world.sentSettlements[length - 1 - (which % Math.max(1, length))];
        if (old) world.send({ ...old, valueNano: plentyNano, from: by === 0 ? actor('settler 1') : someone(by) });
    },
};

function openEscrows(world: World): number[] {
    const models = [...world.model.escrows.values()];
    return [...models.keys()].filter((index) => models[index]!.phase !== 'closed');
}

function goodNodes(world: World, address: string): number[] {
    const hub = world.model.hubs.get(address)!;
    const numbers = [...world.scene.nodeKeys.keys()];
    return numbers.filter((index) => {
        const node = hub.nodes.get(hex(world.scene.nodeKeys[index]!.publicKey));
        return node !== undefined && world.chain.now <= settlesUntil(hub, node);
    });
}

/** The choice itself where there is nothing to choose from. */
function oneOf(list: readonly number[], choice: number): number {
    return list[choice % Math.max(1, list.length)] ?? choice;
}
