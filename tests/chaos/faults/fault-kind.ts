import type { ChaosNetwork } from '../chaos-network';
import type { Dice } from '../dice';
import type { Supervisor } from '../supervisor';

/** What faults act on. */
export interface Storm {
    network: ChaosNetwork;
    supervisor: Supervisor;
}

/** One thing that goes wrong, as it was drawn: everything about it but the state of the network that it meets. */
export interface PlannedFault {
    kind: string;
    /** A role or a link; two faults of one kind at one target do not overlap. */
    target: string;
    atMs: number;
    /** After this it ends, whatever happens. */
    durationMs: number;
    /** What the kind drew for itself. */
    detail: Record<string, string | number>;
}

export interface FaultKind {
    name: string;
    /** Against other kinds. */
    weight: number;
    /** Milliseconds that one lasts, least and most. */
    lastsMs: readonly [number, number];
    /** What it may befall in this network. */
    targets(network: ChaosNetwork): readonly string[];
    draw?(dice: Dice): PlannedFault['detail'];
    /** Why it cannot be done on this machine; undefined when it can. */
    unavailable?(network: ChaosNetwork): string | undefined;
    /** Begins, and gives how to end it, which must work also when the role has died or come back in between. */
    begin(storm: Storm, fault: PlannedFault): (() => void) | void;
}
