import { createHash } from 'node:crypto';
import { Address } from '@ton/core';

/** Everybody who sends messages of their own. Their wallets are the edge of the world: value comes from them and ends with them. */
export const actorNames = [
    'client 0',
    'client 1',
    'owner 0',
    'owner 1',
    'owner 2',
    'operator 0',
    'operator 1',
    'settler 0',
    'settler 1',
    'governor',
    'guardian',
    'verifier',
    'stranger',
] as const;
export type ActorName = (typeof actorNames)[number];

export function actor(name: ActorName): Address {
    return new Address(0, createHash('sha256').update(`soak actor ${name}`).digest());
}

export const actorAddresses: ReadonlyMap<string, ActorName> = new Map(
    actorNames.map((name) => [actor(name).toRawString(), name]),
);
