import { triesOf } from './tries';
import { parseSignals, TestSignals } from './infections';
import { instrument } from './instrument';
import { errorConstantsOf, findMutants } from './mutants';

const source = `contract Box {
    a: Int = 0;
    receive(msg: Slice) {
        require(now() > 5 && self.a <= 3, "Box: too many");
        if (sender() == myAddress()) { self.a += 1; }
        require(self.a < 9, "Box: full");
    }
}`;

describe('instrumented contracts', () => {
    it('have every mutant in them, each by its number', () => {
        const mutants = findMutants('contracts/box.tact', source, errorConstantsOf([['contracts/box.tact', source]]));
        const lines = instrument(new Map([['contracts/box.tact', source]]), mutants)
            .get('contracts/box.tact')!
            .split('\n');
        expect(lines[0]).toBe('import "./shared/mutant-decisions";');
        expect(lines[4]!.trim()).toBe(
            'require(passes(above(now() , 5, 1) && atMost(self.a , 3, 2), 0), "Box: too many");',
        );
        expect(lines[6]!.trim()).toBe('require(passes(below(self.a , 9, 5), 4), "Box: full");');
        expect(lines[5]!.trim()).toBe('if (keepsOut(sender() == myAddress(), 3)) { self.a += 1; }');
    });

    it('are read test by test, and what hooks said apart', () => {
        const lines = ['{"test":{"name":"a box opens","ms":5},"mutants":[1]}', '{"test":null,"mutants":[0]}', ''];
        expect(parseSignals(lines.join('\n'), ['first', 'second'])).toEqual([
            { name: 'a box opens', ms: 5, mutants: ['second'] },
            { name: null, ms: 0, mutants: ['first'] },
        ]);
    });
});

describe('the tries of a mutant', () => {
    const signals = (name: string | null, ms: number): TestSignals => ({ name, ms, mutants: [] });

    it('begin with a few of the quickest tests that it infects, and end with all of them, spec by spec', () => {
        const quick = Array.from({ length: 14 }, (_, i) => signals(`q${i}`, 14 - i));
        const infected = new Map([
            ['slow.spec.ts', [signals('waits', 900)]],
            ['quick.spec.ts', quick],
        ]);
        const tries = triesOf(infected);
        expect(tries.map(({ spec, names }) => [spec, names?.length])).toEqual([
            ['quick.spec.ts', 12],
            ['quick.spec.ts', 14],
            ['slow.spec.ts', 1],
        ]);
        expect(tries[0]!.names![0]).toBe('q13');
    });

    it('are all tests of a spec whose hooks it infects', () => {
        expect(triesOf(new Map([['hooks.spec.ts', [signals(null, 0), signals('a', 1)]]]))).toEqual([
            { spec: 'hooks.spec.ts', names: null },
        ]);
    });

    it('are none where it makes no difference to any', () => {
        expect(triesOf(new Map())).toEqual([]);
    });
});
