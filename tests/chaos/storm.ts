import { setTimeout as sleep } from 'node:timers/promises';
import { audit, type AuditReport } from './audit/audit';
import type { ChaosNetwork } from './chaos-network';
import { type FaultKind, faultKinds } from './faults';
import { runKillCampaign } from './kill-campaign';
import { type Load, startLoad } from './load/client-load';
import { converge, settleAll } from './quiet';
import { runPlan } from './run-plan';
import { gatewaysOf, onScene, type Scene, type SceneOptions } from './scene';
import { type AimedKind, planStorm } from './storm-plan';

export interface StormOptions extends SceneOptions {
    minutes: number;
    /** In place of a storm: so many times kill -9 of the dispatcher and the settlers. */
    kills?: number;
    /** Callers at each gateway. */
    callers: number;
    /** Kinds of faults; all unless given. */
    only?: readonly string[];
}

export interface StormResult {
    faults: number;
    faultsByKind: Record<string, number>;
    /** Kinds that this machine does not allow, and why. */
    unavailable: Record<string, string>;
    asked: number;
    acknowledged: number;
    abandoned: number;
    others: Record<string, number>;
    starts: number;
    /** From the end of the last fault until every node answered through every gateway. */
    backAfterSec: number;
    report: AuditReport;
}

/** Of undisturbed load before the first fault and after the last. */
const calmMs = 3_000;
const settleRounds = 5;
/** Of callers that were refused: where the dispatcher lives for seconds only, nobody may sleep through its life. */
const restsMs = { storm: [200, 1_500], kills: [30, 200] } as const;

/** Load, faults, quiet, audit. @throws when the network does not come up, or not come back */
export function storm(options: StormOptions): Promise<StormResult> {
    return onScene(options, (scene) => stormOver({ ...scene, options }));
}

interface StormScene extends Scene {
    options: StormOptions;
}

async function stormOver(scene: StormScene): Promise<StormResult> {
    const { network, supervisor, dice, diary, options } = scene;
    const restAfterFailureMs = options.kills === undefined ? restsMs.storm : restsMs.kills;
    const load = startLoad({
        gateways: gatewaysOf(network),
        callers: options.callers,
        dice: dice.apart('load'),
        restAfterFailureMs,
    });
    try {
        await sleep(calmMs);
        const { faultsByKind, unavailable } = await (options.kills === undefined
            ? stormIt(scene)
            : killIt(scene, options.kills, load));
        diary.tell('it is over');
        const overMs = diary.elapsedMs;
        await converge(network, supervisor, diary);
        const backAfterSec = Math.round((diary.elapsedMs - overMs) / 1_000);
        await sleep(calmMs);
        await load.stop();
        const report = await settleAndAudit(scene, load);
        const faults = Object.values(faultsByKind).reduce((sum, count) => sum + count, 0);
        return { ...counts(load), faults, faultsByKind, unavailable, starts: supervisor.starts, backAfterSec, report };
    } finally {
        await load.stop();
    }
}

type Suffered = Pick<StormResult, 'faultsByKind' | 'unavailable'>;

async function stormIt({ network, supervisor, dice, diary, options }: StormScene): Promise<Suffered> {
    const { kinds, unavailable } = availableKinds(network, options.only);
    for (const [name, why] of Object.entries(unavailable)) diary.tell(`no ${name}`, { why });
    const aimed = kinds.map((kind): AimedKind => ({ ...kind, targets: kind.targets(network) }));
    const plan = planStorm({ dice: dice.apart('plan'), lengthMs: options.minutes * 60_000, kinds: aimed });
    diary.tell('the storm begins', { faults: plan.length });
    return { faultsByKind: await runPlan({ plan, kinds, storm: { network, supervisor }, diary }), unavailable };
}

async function killIt({ network, supervisor, dice, diary }: Scene, kills: number, load: Load): Promise<Suffered> {
    diary.tell('the killing begins', { kills });
    const counts = await runKillCampaign({
        kills,
        dispatchers: network.dispatcherNames,
        dice: dice.apart('kills'),
        diary,
        supervisor,
        load,
    });
    const named = Object.entries(counts).map(([name, count]) => [`kill ${name}`, count]);
    return { faultsByKind: Object.fromEntries(named) as Record<string, number>, unavailable: {} };
}

/** Settlers have what is worth its gas; the rest is settled by hand, as before an escrow closes. */
async function settleAndAudit({ network, diary }: Scene, load: Load): Promise<AuditReport> {
    for (let round = 1; ; round++) {
        await settleAll(network);
        const report = await audit(network, load.acknowledged);
        diary.tell('audited', { checks: report.findings.checks, outstandingNano: report.outstandingNano });
        if (report.outstandingNano === 0n || round === settleRounds) return report;
    }
}

function availableKinds(network: ChaosNetwork, only: readonly string[] | undefined) {
    const wanted = faultKinds.filter(({ name }) => only === undefined || only.includes(name));
    const unavailable: Record<string, string> = {};
    const kinds: FaultKind[] = [];
    for (const kind of wanted) {
        const why = kind.unavailable?.(network);
        if (why === undefined) kinds.push(kind);
        else unavailable[kind.name] = why;
    }
    return { kinds, unavailable };
}

function counts({ acknowledged, abandoned, tally }: Load) {
    return {
        asked: tally.asked,
        acknowledged: acknowledged.length,
        abandoned: abandoned.length,
        others: tally.others,
    };
}
