import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { audit, type AuditReport } from './audit/audit';
import { ChaosNetwork, gatewayNames } from './chaos-network';
import { Dice } from './dice';
import { Diary } from './diary';
import { type Footprint, footprintOf, growthOf, type Growth } from './footprint';
import { startLoad } from './load/client-load';
import { converge, settleAll } from './quiet';
import { Supervisor } from './supervisor';

export interface SoakOptions {
    dir: string;
    seed: number;
    /** Of the network's own time. */
    hours: number;
    /** So many times as fast as it passes here. */
    warp: number;
    callers: number;
    postgres: boolean;
    say: (line: string) => void;
}

export interface SoakResult {
    acknowledged: number;
    asked: number;
    memory: Record<string, Growth>;
    disk: Record<string, Growth>;
    starts: number;
    report: AuditReport;
}

const samples = 120;
const restsMs = [200, 1_500] as const;

/** Steady load for a day that passes in less: what keepers need of memory and disk must not grow with it. */
export async function soak(options: SoakOptions): Promise<SoakResult> {
    const dice = new Dice(options.seed);
    const diary = new Diary(path.join(options.dir, 'diary.jsonl'), options.say);
    diary.tell('starting the network');
    const progress = (line: string) => diary.note(line);
    const network = await ChaosNetwork.launch({
        dir: options.dir,
        dice: dice.apart('network'),
        progress,
        postgres: options.postgres,
    });
    const supervisor = new Supervisor(network.local, diary, (name) => network.moveToFreshPlatform(name));
    try {
        return await soakOn({ network, supervisor, dice, diary, options });
    } finally {
        await supervisor.stop();
        await network.stop();
    }
}

interface Scene {
    network: ChaosNetwork;
    supervisor: Supervisor;
    dice: Dice;
    diary: Diary;
    options: SoakOptions;
}

async function soakOn({ network, supervisor, dice, diary, options }: Scene): Promise<SoakResult> {
    await network.local.gatewayReady();
    supervisor.start();
    network.clocks.hurry(options.warp);
    // Timers that a role has set already keep their old pace.
    for (const name of network.local.processes.keys()) supervisor.signal(name, 'SIGTERM');
    await sleep(1_000);
    await converge(network, supervisor, diary);
    const gateways = Object.fromEntries(gatewayNames.map((name) => [name, () => network.local.process(name).url]));
    const load = startLoad({ gateways, callers: options.callers, dice, restAfterFailureMs: restsMs });
    const startsBefore = supervisor.starts;
    try {
        const taken = await sampleFor({ network, diary, options });
        await load.stop();
        await settleAll(network);
        const report = await audit(network, load.acknowledged);
        return {
            asked: load.tally.asked,
            acknowledged: load.acknowledged.length,
            memory: growthOf(taken, 'memory'),
            disk: growthOf(taken, 'disk'),
            starts: supervisor.starts - startsBefore,
            report,
        };
    } finally {
        await load.stop();
    }
}

async function sampleFor({ network, diary, options }: Pick<Scene, 'network' | 'diary' | 'options'>) {
    const taken: Footprint[] = [];
    const lengthMs = (options.hours * 3_600_000) / options.warp;
    const startedMs = performance.now();
    for (let number = 1; number <= samples; number++) {
        await sleep(Math.max(0, startedMs + (lengthMs * number) / samples - performance.now()));
        const footprint = footprintOf(network, number / samples);
        taken.push(footprint);
        const sizes = { memory: Object.fromEntries(footprint.memory), disk: Object.fromEntries(footprint.disk) };
        diary.note('footprint', sizes);
        if (number % 10 === 0) diary.tell('soaked', { hours: ((options.hours * number) / samples).toFixed(1) });
    }
    return taken;
}
