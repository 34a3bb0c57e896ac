import { leave } from './exit';
import { SoakFailure } from './failure';
import { Operation } from './operation';
import { perform } from './perform';
import { firstWeek } from './setup';
import { Tally, World } from './world';

export interface WorldResult {
    tally: Tally;
    failure: WorldFailure | null;
}

export interface WorldFailure {
    rule: string;
    detail: string;
    /** operations done before it; all of them when it was the way out that failed */
    after: number;
}

/** Runs a world through its operations and out of it. */
export async function runWorld(operations: readonly Operation[]): Promise<WorldResult> {
    const { scene, image } = await firstWeek();
    const world = await World.restore(scene, image);
    let after = 0;
    try {
        for (const operation of operations) {
            await perform(world, operation);
            after += 1;
        }
        await leave(world);
        return { tally: world.tally, failure: null };
    } catch (error) {
        if (!(error instanceof SoakFailure)) throw error;
        return { tally: world.tally, failure: { rule: error.rule, detail: error.detail, after } };
    }
}
