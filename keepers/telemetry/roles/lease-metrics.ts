import { pulledGauges } from '../instruments';
import { Sampler } from '../sampler';
import type { RoleTelemetry } from '../telemetry';

export interface WatchedLeases {
    list(prefix: string): Promise<{ nowMs: number; leases: readonly { name: string; expiresAtMs: number }[] }>;
}

const intervalMs = 30_000;

/** Leases in force in the ledger that the process shares with others, by what they are of: the first word of their names. */
export function watchLeases(telemetry: RoleTelemetry, leases: WatchedLeases): void {
    const held = telemetry.addSampler(new Sampler({ read: () => countHeld(leases), intervalMs }));
    pulledGauges(
        telemetry.registry,
        { name: 'cocoon_ledger_leases', help: 'Leases in force among the processes of the ledger', label: 'kind' },
        () => held.value ?? [],
    );
}

async function countHeld(leases: WatchedLeases): Promise<Map<string, number>> {
    const { nowMs, leases: all } = await leases.list('');
    const counts = new Map<string, number>();
    for (const { name, expiresAtMs } of all) {
        const kind = name.split(' ')[0]!;
        if (expiresAtMs > nowMs) counts.set(kind, (counts.get(kind) ?? 0) + 1);
    }
    return counts;
}
