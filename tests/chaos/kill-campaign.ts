import { setTimeout as sleep } from 'node:timers/promises';
import { providerSettler, settlerNames } from './chaos-network';
import type { Dice } from './dice';
import type { Diary } from './diary';
import type { Load } from './load/client-load';
import type { Supervisor } from './supervisor';

export interface KillCampaign {
    kills: number;
    dispatchers: readonly string[];
    dice: Dice;
    diary: Diary;
    supervisor: Supervisor;
    load: Load;
}

/** Share of kills that meet a process before it is ready: recovery is where a second crash hurts. */
const whileStartingShare = 0.15;
const startMs = [100, 1_500] as const;
/** Of a settler's life: its rounds are two seconds apart. */
const settlerLifeMs = [0, 3_000] as const;
/** The dispatcher has so many answers more to its name before it is killed, and then some milliseconds. */
const answersBefore = [0, 12] as const;
const dispatcherLifeMs = [0, 400] as const;
const patienceMs = 20_000;
const lookMs = 20;

/** kill -9 at random instants, each victim again as soon as it is back. Gives how many met each. */
export async function runKillCampaign(campaign: KillCampaign): Promise<Record<string, number>> {
    const victims = [...campaign.dispatchers, ...settlerNames, providerSettler];
    const counts: Record<string, number> = Object.fromEntries(victims.map((name) => [name, 0]));
    let left = campaign.kills;
    const hunt = async (name: string) => {
        const dice = campaign.dice.apart(name);
        while (left > 0) {
            const early = dice.chance(whileStartingShare);
            await (early ? instantWhileStarting(dice) : instantOfLife(name, dice, campaign));
            if (left <= 0) return;
            if (!campaign.supervisor.signal(name, 'SIGKILL')) continue;
            left -= 1;
            counts[name]! += 1;
            campaign.diary.note('kill', { target: name, early });
            if (left % 25 === 0) campaign.diary.tell('kills', { left, ...counts });
            await gone(name, campaign.supervisor);
        }
    };
    await Promise.all(victims.map(hunt));
    return counts;
}

function instantWhileStarting(dice: Dice): Promise<void> {
    return sleep(dice.between(...startMs));
}

async function instantOfLife(name: string, dice: Dice, { supervisor, load, dispatchers }: KillCampaign): Promise<void> {
    while (!supervisor.isUp(name)) await sleep(lookMs);
    if (!dispatchers.includes(name)) return sleep(dice.between(...settlerLifeMs));
    const wanted = load.acknowledged.length + dice.between(...answersBefore);
    const endMs = performance.now() + patienceMs;
    while (load.acknowledged.length < wanted && performance.now() < endMs && supervisor.isUp(name)) await sleep(lookMs);
    await sleep(dice.between(...dispatcherLifeMs));
}

/** The signal takes a moment; a second one for the same life is no kill. */
async function gone(name: string, supervisor: Supervisor): Promise<void> {
    while (supervisor.isUp(name)) await sleep(lookMs);
    await sleep(200);
}
