import { setTimeout as sleep } from 'node:timers/promises';
import { errorMessage } from '../../keepers/base';
import type { Diary } from './diary';
import type { FaultKind, PlannedFault, Storm } from './faults';

/** Begins and ends every fault at its time; when it resolves none is left. Gives how many began, by kind. */
export async function runPlan(options: {
    plan: readonly PlannedFault[];
    kinds: readonly FaultKind[];
    storm: Storm;
    diary: Diary;
}): Promise<Record<string, number>> {
    const { plan, kinds, storm, diary } = options;
    const counts: Record<string, number> = {};
    const startedMs = performance.now();
    const ends: Promise<void>[] = [];
    for (const fault of plan) {
        await sleep(Math.max(0, fault.atMs - (performance.now() - startedMs)));
        const kind = kinds.find(({ name }) => name === fault.kind)!;
        ends.push(suffer({ fault, kind, storm, diary }));
        counts[fault.kind] = (counts[fault.kind] ?? 0) + 1;
    }
    await Promise.all(ends);
    return counts;
}

async function suffer(options: { fault: PlannedFault; kind: FaultKind; storm: Storm; diary: Diary }): Promise<void> {
    const { fault, kind, storm, diary } = options;
    const { target, durationMs, detail } = fault;
    diary.tell(kind.name, { target, lastsMs: durationMs, ...detail });
    let end: (() => void) | void;
    try {
        end = kind.begin(storm, fault);
    } catch (error) {
        diary.tell(`${kind.name} could not begin`, { target, error: errorMessage(error) });
        return;
    }
    await sleep(durationMs);
    end?.();
    diary.note(`end of ${kind.name}`, { target });
}
