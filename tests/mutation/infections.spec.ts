import { stagesFor } from './infected-stages';
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
    it('say which mutants would decide otherwise, evaluating every operand once and deciding as before', () => {
        const mutants = findMutants('contracts/box.tact', source, errorConstantsOf([['contracts/box.tact', source]]));
        const lines = instrument(new Map([['contracts/box.tact', source]]), mutants)
            .get('contracts/box.tact')!
            .split('\n');
        expect(lines[0]).toBe('import "./shared/infection-signals";');
        expect(lines[4]!.trim()).toBe(
            'require(signalUnless(above(now() , 5, 1) && atMost(self.a , 3, 2), 0), "Box: too many");',
        );
        expect(lines[6]!.trim()).toBe('require(signalUnless(below(self.a , 9, 5), 4), "Box: full");');
        expect(lines[5]!.trim()).toBe('if (signalIf(sender() == myAddress(), 3)) { self.a += 1; }');
    });

    it('are read test by test, and what hooks said apart', () => {
        const lines = [
            '{"test":{"name":"a box opens","failed":true,"ms":5},"mutants":[1]}',
            '{"test":null,"mutants":[0]}',
            '',
        ];
        expect(parseSignals(lines.join('\n'), ['first', 'second'])).toEqual([
            { name: 'a box opens', failed: true, ms: 5, mutants: ['second'] },
            { name: null, failed: false, ms: 0, mutants: ['first'] },
        ]);
    });
});

describe('the tests of a mutant', () => {
    const signals = (name: string | null, ms: number): TestSignals => ({ name, ms, failed: false, mutants: [] });

    it('are those that it infects, those of the quickest spec first, then those that were cut short', () => {
        const infected = new Map([
            ['slow.spec.ts', [signals('waits (long)', 900)]],
            ['quick.spec.ts', [signals('d', 4), signals('a', 1), signals('c', 3), signals('b', 2)]],
        ]);
        expect(stagesFor(infected, new Map([['gas.spec.ts', [signals('costs', 1)]]]))).toEqual([
            { files: ['quick.spec.ts'], names: '^a$|^b$|^c$' },
            { files: ['quick.spec.ts'], names: '^d$|^a$|^c$|^b$' },
            { files: ['slow.spec.ts'], names: '^waits \\(long\\)$' },
            { files: ['gas.spec.ts'], names: '^costs$' },
        ]);
    });

    it('are all of a spec whose hooks it infects, or of which it infects very many', () => {
        const many = Array.from({ length: 61 }, (_, i) => signals(`${i}`, 1));
        expect(stagesFor(new Map([['hooks.spec.ts', [signals(null, 0)]]]))).toEqual([
            { files: ['hooks.spec.ts'], names: null },
        ]);
        expect(stagesFor(new Map([['many.spec.ts', many]]))).toEqual([{ files: ['many.spec.ts'], names: null }]);
    });

    it('are none where it makes no difference to any', () => {
        expect(stagesFor(new Map())).toEqual([]);
    });
});
