import type { Clock } from '../../base';
import type { NodeStatus } from '../../node';

/** A node writes its status every five seconds. */
const freshMs = 20_000;

/** Whether the node that wrote this still does, wherever it runs: in a guest, its process is not to be seen. */
export function isRunning(status: NodeStatus, clock: Clock): boolean {
    const live = status.phase === 'serving' || status.phase === 'starting';
    return live && clock.nowMs() - status.updatedAtMs < freshMs;
}
