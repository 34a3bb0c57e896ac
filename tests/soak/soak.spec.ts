import path from 'node:path';
import { operationsOf } from './operation';
import { readRegression, regressionFiles } from './regression';
import { runWorld } from './run-world';
import { jobsOf, worldLength } from './soak';
import { firstWeek } from './setup';
import { World } from './world';

describe('a soak', () => {
    it('holds every rule over hundreds of random operations in random order, and everyone gets out', async () => {
        const { tally, failure } = await runWorld(operationsOf(7, 250));
        expect(failure).toBeNull();
        expect(tally.operations).toBeGreaterThan(250);
        expect(tally.rejections).toBeGreaterThan(20);
        expect(tally.checks).toBeGreaterThan(1000);
    });

    it('is the same for the same seed', async () => {
        const operations = operationsOf(8, 60);
        expect(operationsOf(8, 60)).toEqual(operations);
        expect(await runWorld(operations)).toEqual(await runWorld(operations));
    });

    it.each(['hubs', 'escrows', 'providers'] as const)(
        'notices a nanoTON that one of the %s has too few',
        async (kind) => {
            const { scene, image } = await firstWeek();
            const world = await World.restore(scene, image);
            const [hub, escrow, provider] = [world.model.hubs, world.model.escrows, world.model.providers].map(
                (contracts) => [...contracts.keys()][0]!,
            ) as [string, string, string];
            world.model.hubs.get(hub)!.accruedFeesNano += 1n;
            world.model.escrows.get(escrow)!.balanceNano += 1n;
            world.model.providers.get(provider)!.bondNano += 1n;
            const at = { hubs: hub, escrows: escrow, providers: provider }[kind];
            await expect(world.audit(at)).rejects.toThrow('every ledger is what the model says');
        },
    );

    it('is cut into worlds that a failure shrinks from quickly', () => {
        const jobs = jobsOf(2 * worldLength + 1, 3);
        expect(jobs).toEqual([
            { seed: 3000, length: worldLength },
            { seed: 3001, length: worldLength },
            { seed: 3002, length: 1 },
        ]);
    });
});

describe('a run that once broke a rule', () => {
    const cases = regressionFiles().map((file) => [path.basename(file, '.json'), file] as const);

    it.each(cases)('holds: %s', async (_, file) => {
        expect((await runWorld(readRegression(file).operations)).failure).toBeNull();
    });
});
