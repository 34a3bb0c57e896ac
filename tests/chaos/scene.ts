import path from 'node:path';
import type { RoleSettings } from '../../keepers/devnet';
import { ChaosNetwork, gatewayNames } from './chaos-network';
import { Dice } from './dice';
import { Diary } from './diary';
import { Supervisor } from './supervisor';

export interface SceneOptions {
    dir: string;
    seed: number;
    /** Two dispatchers on one PostgreSQL. */
    postgres: boolean;
    say: (line: string) => void;
}

/** A network that serves, watched over. */
export interface Scene {
    network: ChaosNetwork;
    supervisor: Supervisor;
    dice: Dice;
    diary: Diary;
}

/** Starts the network, has `act` do with it what it likes, and stops it. @throws when it does not come up */
export async function onScene<Result>(
    { dir, seed, postgres, say }: SceneOptions,
    act: (scene: Scene) => Promise<Result>,
    adjust?: (settings: RoleSettings) => RoleSettings,
): Promise<Result> {
    const dice = new Dice(seed);
    const diary = new Diary(path.join(dir, 'diary.jsonl'), say);
    diary.tell('starting the network');
    const progress = (line: string) => diary.note(line);
    const network = await ChaosNetwork.launch({ dir, dice: dice.apart('network'), progress, postgres, adjust });
    const supervisor = new Supervisor(network.local, diary, (name) => network.moveToFreshPlatform(name));
    try {
        await network.local.gatewayReady();
        supervisor.start();
        return await act({ network, supervisor, dice, diary });
    } finally {
        await supervisor.stop();
        await network.stop();
    }
}

/** Present addresses of the gateways, as load wants them. */
export function gatewaysOf(network: ChaosNetwork): Record<string, () => string> {
    return Object.fromEntries(gatewayNames.map((name) => [name, () => network.local.process(name).url]));
}
