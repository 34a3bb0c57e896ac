import { statfsSync } from 'node:fs';
import path from 'node:path';
import { collectDefaultMetrics, Gauge, type Registry } from 'prom-client';
import { pulledGauges } from './instruments';
import type { ReadinessBook } from './readiness';

export interface ProcessFacts {
    role: string;
    version: string;
    readiness: ReadinessBook;
    /** Folders or files whose disk must not run full, by what lies there. */
    volumes: ReadonlyMap<string, string>;
}

/** What every role shows: its process by prom-client's own names (CPU, memory, event loop, collector), build, readiness, disks. */
export function processMetrics(registry: Registry, { role, version, readiness, volumes }: ProcessFacts): void {
    collectDefaultMetrics({ register: registry });
    new Gauge({
        name: 'cocoon_build_info',
        help: 'Always 1; its labels say what runs',
        labelNames: ['role', 'version', 'node'],
        registers: [registry],
    }).set({ role, version, node: process.version }, 1);
    new Gauge({
        name: 'cocoon_ready',
        help: '1 while the role takes work',
        registers: [registry],
        collect() {
            this.set(readiness.look().ready ? 1 : 0);
        },
    });
    pulledGauges(
        registry,
        { name: 'cocoon_not_ready', help: '1 for each reason why the role takes no work', label: 'reason' },
        () => readiness.look().reasons.map(({ reason }) => [reason, 1] as const),
    );
    pulledGauges(
        registry,
        { name: 'cocoon_warning', help: '1 for each thing to see to while the role takes work', label: 'reason' },
        () => readiness.look().warnings.map(({ reason }) => [reason, 1] as const),
    );
    pulledGauges(
        registry,
        { name: 'cocoon_disk_free_bytes', help: 'Room left where the role writes', label: 'volume' },
        () => [...volumes].flatMap(([volume, file]) => freeBytesOf(file).map((bytes) => [volume, bytes] as const)),
    );
}

/** Of the file's own folder; none where it can't be told. */
export function freeBytesOf(file: string): number[] {
    try {
        const { bavail, bsize } = statfsSync(path.dirname(path.resolve(file)));
        return [bavail * bsize];
    } catch {
        return [];
    }
}
