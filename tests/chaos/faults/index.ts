import type { FaultKind } from './fault-kind';
import { chainLeap, clockJump, diskFull, diskSlow, postgresDown } from './machine-faults';
import { link, rpc } from './network-faults';
import { absentSettler, kill, pause, restart } from './process-faults';

export type { FaultKind, PlannedFault, Storm } from './fault-kind';

export const faultKinds: readonly FaultKind[] = [
    kill,
    restart,
    pause,
    absentSettler,
    link,
    rpc,
    diskFull,
    diskSlow,
    clockJump,
    chainLeap,
    postgresDown,
];
