import { type ChaosNetwork, providerSettler, settlerNames } from '../chaos-network';
import type { FaultKind } from './fault-kind';

const everyone = ({ keeperNames }: ChaosNetwork) => ['chain', ...keeperNames];
/** Those whose memory matters most come more often. */
const killed = (network: ChaosNetwork) => [
    ...everyone(network),
    ...network.dispatcherNames,
    ...network.dispatcherNames,
    'settler',
    'settler',
];

/** kill -9: gone between two instructions, and down for a while. */
export const kill: FaultKind = {
    name: 'kill',
    weight: 6,
    lastsMs: [50, 4_000],
    targets: killed,
    begin({ supervisor }, { target }) {
        supervisor.hold(target);
        supervisor.signal(target, 'SIGKILL');
        return () => supervisor.release(target);
    },
};

/** As an operator stops it: what is under way may end. */
export const restart: FaultKind = {
    name: 'restart',
    weight: 2,
    lastsMs: [200, 1_000],
    targets: everyone,
    begin({ supervisor }, { target }) {
        supervisor.signal(target, 'SIGTERM');
    },
};

/** Stopped dead and let go again: a machine that swaps, a hypervisor that migrates. */
export const pause: FaultKind = {
    name: 'pause',
    weight: 3,
    lastsMs: [300, 8_000],
    targets: everyone,
    begin({ supervisor }, { target }) {
        supervisor.signal(target, 'SIGSTOP');
        return () => void supervisor.signal(target, 'SIGCONT');
    },
};

/** Another settler of the same ledger or of a node's log comes and goes. */
export const absentSettler: FaultKind = {
    name: 'settler-absent',
    weight: 2,
    lastsMs: [5_000, 30_000],
    targets: () => [...settlerNames, providerSettler],
    begin({ supervisor }, { target }) {
        supervisor.hold(target);
        supervisor.signal(target, 'SIGTERM');
        return () => supervisor.release(target);
    },
};
