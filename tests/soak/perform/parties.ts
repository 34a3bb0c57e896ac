import { Address } from '@ton/core';
import { testKey, TestKey } from '../../contracts/support/ed25519';
import { actor, ActorName, actorNames } from '../actors';
import { hex } from '../lines';
import { Announced, plentyNano } from '../model/arrival';
import { Pay } from '../operation';
import { raw } from '../scene';
import { World } from '../world';

const thinNano = 20_000_000n;

export function escrowAt(world: World, index: number) {
    const escrow = world.scene.escrows[index]!;
    return { escrow, model: world.model.escrows.get(raw(escrow.address))! };
}

export function providerAt(world: World, index: number) {
    const provider = world.scene.providers[index]!;
    return { provider, model: world.model.providers.get(raw(provider.address))! };
}

export function someone(by: number): Address {
    return actor(actorNames[by - 1]!);
}

export function ownerOr(by: number, provider: number): Address {
    return by === 0 ? actor(`owner ${provider}` as ActorName) : someone(by);
}

export function operatorOr(by: number, hub: number): Address {
    return by === 0 ? actor(`operator ${hub}` as ActorName) : someone(by);
}

export function sessionOf(escrow: number, session: number): TestKey {
    return testKey(`session ${escrow} ${session}`);
}

/** The key that the escrow has now; the first one of a closed escrow. */
export function presentSession(escrow: number, sessionKey: string): TestKey {
    const sessions = [0, 1, 2, 3].map((session) => sessionOf(escrow, session));
    return sessions.find(({ publicKey }) => hex(publicKey) === sessionKey) ?? sessions[0]!;
}

export async function announcedTo(world: World): Promise<Announced> {
    return world.announced(world.scene.hubs[0]!.address);
}

export function paid(pay: Pay, announcedNano: bigint): bigint {
    if (pay === 'exact') return announcedNano;
    if (pay === 'short') return announcedNano - 1n;
    return plain(pay);
}

/** Where a contract announces no price. */
export function plain(pay: Pay): bigint {
    if (pay === 'thin') return thinNano;
    return pay === 'nothing' ? 1n : plentyNano;
}
