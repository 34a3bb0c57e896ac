import { setTimeout as sleep } from 'node:timers/promises';
import type { RoleSettings } from '../../keepers/devnet';
import { Archive } from './audit/archive';
import { audit, type AuditReport } from './audit/audit';
import { type Footprint, footprintOf, growthOf, type Growth } from './footprint';
import { startLoad } from './load/client-load';
import { converge, settleAll } from './quiet';
import { gatewaysOf, onScene, type Scene, type SceneOptions } from './scene';

export interface SoakOptions extends SceneOptions {
    /** Of the network's own time. */
    hours: number;
    /** So many times as fast as it passes here. */
    warp: number;
    callers: number;
}

export interface SoakResult {
    acknowledged: number;
    asked: number;
    others: Record<string, number>;
    /** Receipts that the dispatcher has no longer, and a file of the first node. */
    deleted: number;
    memory: Record<string, Growth>;
    disk: Record<string, Growth>;
    starts: number;
    report: AuditReport;
}

/** Several between two checkpoints: what a log of writes holds just now must not count for what is kept. */
const samples = 600;
/** Often enough that nothing is deleted unseen. */
const archivedPerRetention = 4;
const restsMs = [200, 1_500] as const;
/** Of the settings that an operator has: so short that stores are as large as they become well before the second quarter. */
const retentionHours = 3;

/** Waits that end in a failure are for machines and networks, which are as slow as ever here. */
function patient(settings: RoleSettings): RoleSettings {
    if (settings['chain'] === undefined) return settings;
    const chain = { ...(settings['chain'] as object), timeoutMs: 120_000, pollIntervalMs: 300 };
    const isGateway = settings['sessionKeyFile'] !== undefined;
    return { ...settings, chain, retentionHours, ...(isGateway && { requestTimeoutMs: 3_600_000 }) };
}

/** Steady load for a day that passes in less: what keepers need of memory and disk must not grow with it. */
export function soak(options: SoakOptions): Promise<SoakResult> {
    return onScene(options, (scene) => soakOn(scene, options), patient);
}

async function soakOn(scene: Scene, options: SoakOptions): Promise<SoakResult> {
    const { network, supervisor, dice, diary } = scene;
    network.clocks.hurry(options.warp);
    // Timers that a role has set already keep their old pace.
    for (const name of network.local.processes.keys()) supervisor.signal(name, 'SIGTERM');
    await sleep(1_000);
    await converge(network, supervisor, diary);
    const { callers } = options;
    const load = startLoad({ gateways: gatewaysOf(network), callers, dice, restAfterFailureMs: restsMs });
    const startsBefore = supervisor.starts;
    const archive = new Archive();
    try {
        const taken = await sampleFor(scene, options, archive);
        const starts = supervisor.starts - startsBefore;
        await load.stop();
        await settleAll(network);
        const report = await audit(network, load.acknowledged, archive);
        return {
            asked: load.tally.asked,
            acknowledged: load.acknowledged.length,
            others: load.tally.others,
            deleted: archive.deleted,
            memory: growthOf(taken, 'memory'),
            disk: growthOf(taken, 'disk'),
            starts,
            report,
        };
    } finally {
        await load.stop();
    }
}

async function sampleFor({ network, diary }: Scene, { hours, warp }: SoakOptions, archive: Archive) {
    const taken: Footprint[] = [];
    const lengthMs = (hours * 3_600_000) / warp;
    const archiveEvery = Math.max(1, Math.floor((samples * retentionHours) / archivedPerRetention / hours));
    const startedMs = performance.now();
    for (let number = 1; number <= samples; number++) {
        await sleep(Math.max(0, startedMs + (lengthMs * number) / samples - performance.now()));
        const footprint = footprintOf(network, number / samples);
        taken.push(footprint);
        const sizes = { memory: Object.fromEntries(footprint.memory), disk: Object.fromEntries(footprint.disk) };
        diary.note('footprint', sizes);
        if (number % archiveEvery === 0) await archive.collect(network);
        if (number % 50 === 0) diary.tell('soaked', { hours: ((hours * number) / samples).toFixed(1) });
    }
    return taken;
}
