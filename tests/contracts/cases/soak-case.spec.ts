import { operationsOf } from '../../soak/operation';
import { runWorld } from '../../soak/run-world';

describe('case 19: a hundred-thousand-message soak of random operations by random actors, some hostile', () => {
    // At length: npm run soak -- --steps N --seed S. Every nanoTON is predicted by an independent model, and audited after each message.
    it('the invariants hold after every step, and everybody gets out with what the model says', async () => {
        const { tally, failure } = await runWorld(operationsOf(19, 120));
        expect(failure).toBeNull();
        expect(tally.operations).toBeGreaterThanOrEqual(120);
        expect(tally.checks).toBeGreaterThan(tally.operations);
    });
});
