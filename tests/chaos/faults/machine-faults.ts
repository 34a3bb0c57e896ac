import type { ChaosNetwork } from '../chaos-network';
import type { FaultKind } from './fault-kind';

/** Not one byte left where a role keeps its ledger. */
export const diskFull: FaultKind = {
    name: 'disk-full',
    weight: 3,
    lastsMs: [500, 6_000],
    targets: ({ disks }) => [...disks.keys()],
    unavailable: (network) =>
        every(network, 'canFill') ? undefined : 'no file system can be mounted here: run as root',
    begin({ network }, { target }) {
        const disk = network.disks.get(target)!;
        disk.fill();
        return () => disk.free();
    },
};

/** Writes and syncs wait a few hundred milliseconds each. */
export const diskSlow: FaultKind = {
    name: 'disk-slow',
    weight: 3,
    lastsMs: [1_000, 6_000],
    targets: ({ disks }) => [...disks.keys()],
    unavailable: (network) => (every(network, 'canFreeze') ? undefined : 'no loop device can be mounted here'),
    begin({ network }, { target, durationMs }) {
        network.disks.get(target)!.stutter(durationMs);
    },
};

/** The wall clock is set wrong for a while. */
export const clockJump: FaultKind = {
    name: 'clock-jump',
    weight: 3,
    lastsMs: [500, 10_000],
    targets: ({ keeperNames }) => keeperNames,
    draw: (dice) => ({ offsetMs: dice.pick([-1, 1]) * dice.pick([2_000, 20_000, 120_000, 600_000]) }),
    begin({ network }, { target, detail }) {
        network.clocks.set(target, detail['offsetMs'] as number);
        return () => network.clocks.right(target);
    },
};

/** The chain's time leaps; it never comes back. */
export const chainLeap: FaultKind = {
    name: 'chain-leap',
    weight: 1,
    lastsMs: [0, 0],
    targets: () => ['chain'],
    draw: (dice) => ({ seconds: dice.between(1, 20) }),
    begin({ network }, { detail }) {
        network.local.devnet.warp(detail['seconds'] as number).catch(() => undefined);
    },
};

/** The database of the dispatchers' ledger: in order, or as a power cut ends it. */
export const postgresDown: FaultKind = {
    name: 'postgres',
    weight: 3,
    lastsMs: [200, 6_000],
    targets: () => ['database'],
    unavailable: ({ database }) =>
        database === undefined ? 'the ledger is on SQLite: --postgres keeps it in a PostgreSQL' : undefined,
    draw: (dice) => ({ how: dice.pick(['crash', 'fast']) }),
    begin({ network }, { detail }) {
        network.database!.down(detail['how'] as 'crash' | 'fast');
        return () => network.database!.up();
    },
};

function every(network: ChaosNetwork, ability: 'canFill' | 'canFreeze'): boolean {
    return [...network.disks.values()].every((disk) => disk[ability]);
}
