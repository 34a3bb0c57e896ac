import { readdirSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import type { ChaosNetwork } from './chaos-network';

/** What a role needs of its machine at one moment. */
export interface Footprint {
    /** Of its life from 0 to 1. */
    at: number;
    /** Bytes by role. */
    memory: Map<string, number>;
    disk: Map<string, number>;
}

export function footprintOf(network: ChaosNetwork, at: number): Footprint {
    const memory = [...network.local.processes].map(([name, { pid }]) => [name, residentBytes(pid)] as const);
    const disk = [...network.disks].map(([name, { folder }]) => [name, bytesUnder(folder)] as const);
    return { at, memory: new Map(memory), disk: new Map(disk) };
}

/** 0 for a process that is gone. */
function residentBytes(pid: number): number {
    try {
        const kilobytes = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
        return Number(kilobytes ?? 0) * 1024;
    } catch {
        return 0;
    }
}

function bytesUnder(folder: string): number {
    let bytes = 0;
    for (const entry of readdirSync(folder, { withFileTypes: true })) {
        const full = path.join(folder, entry.name);
        if (entry.isDirectory()) bytes += entry.name === 'lost+found' ? 0 : bytesUnder(full);
        // Files come and go while we look.
        else bytes += statSync(full, { throwIfNoEntry: false })?.size ?? 0;
    }
    return bytes;
}

export interface Growth {
    secondQuarterMb: number;
    lastQuarterMb: number;
    /** Last to second. */
    ratio: number;
}

/** Means of the second and the last quarter: what grows with time shows, what only had to warm up does not. */
export function growthOf(samples: readonly Footprint[], what: 'memory' | 'disk'): Record<string, Growth> {
    const names = [...(samples[0]?.[what].keys() ?? [])];
    return Object.fromEntries(
        names.map((name) => {
            const mean = (from: number, to: number) => meanOf(samples, { from, to }, (one) => one[what].get(name) ?? 0);
            const [second, last] = [mean(0.25, 0.5), mean(0.75, 1.01)];
            return [name, { secondQuarterMb: mb(second), lastQuarterMb: mb(last), ratio: round(last / second) }];
        }),
    );
}

function meanOf(
    samples: readonly Footprint[],
    { from, to }: { from: number; to: number },
    pick: (one: Footprint) => number,
): number {
    const within = samples.filter(({ at }) => at >= from && at < to).map(pick);
    return within.reduce((sum, value) => sum + value, 0) / Math.max(1, within.length);
}

function mb(bytes: number): number {
    return round(bytes / 1024 / 1024);
}

function round(value: number): number {
    return Math.round(value * 1_000) / 1_000;
}
