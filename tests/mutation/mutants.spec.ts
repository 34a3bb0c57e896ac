import { ContractCompiler, readSources } from './compiler';
import { errorConstantsOf, findMutants } from './mutants';
import path from 'node:path';

const source = `
const tooLate: String = "Box: too late";
contract Box {
    a: Int = 0;
    receive(msg: Slice) {
        require(self.a <= 3, "Box: too many");
        require(now() > 5, tooLate);
        if (sender() == myAddress()) { self.a += 1; }
    }
    fun amount(due: Int): Int {
        if (due <= 0) { return 0; }
        return due;
    }
    get fun shown(): Int {
        if (self.a == 0) { return 0; }
        return self.a;
    }
}`;

describe('mutants', () => {
    it('are of every require, by a text or a constant, of guards and of comparisons, but not of getters', () => {
        const changed = findMutants('box.tact', source, errorConstantsOf([['box.tact', source]])).map(
            ({ id, start, end, replacement }) => {
                const line = source.slice(0, start) + replacement + source.slice(end);
                return [id, line.split('\n')[source.slice(0, start).split('\n').length - 1]!.trim()];
            },
        );
        expect(changed).toEqual([
            ['box.tact: Box: too many: self.a <= 3 is true', 'require(true, "Box: too many");'],
            ['box.tact: Box: too many: self.a <= 3 with <', 'require(self.a < 3, "Box: too many");'],
            ['box.tact: Box: too late: now() > 5 is true', 'require(true, tooLate);'],
            ['box.tact: Box: too late: now() > 5 with >=', 'require(now() >= 5, tooLate);'],
            ['box.tact: if (sender() == myAddress()): sender() == myAddress() is false', 'if (false) { self.a += 1; }'],
            ['box.tact: if (due <= 0): due <= 0 is false', 'if (false) { return 0; }'],
            ['box.tact: if (due <= 0): due <= 0 with <', 'if (due < 0) { return 0; }'],
        ]);
    });

    it('have names of their own in the contracts as they are', () => {
        const sources = readSources(path.resolve(__dirname, '../..'));
        const constants = errorConstantsOf(sources);
        const ids = [...sources].flatMap(([file, text]) => findMutants(file, text, constants)).map(({ id }) => id);
        expect(ids.length).toBeGreaterThan(200);
        expect(new Set(ids).size).toBe(ids.length);
    });

    it('of a child contract are compiled into the hub too', () => {
        const root = path.resolve(__dirname, '../..');
        const [compiler, sources] = [new ContractCompiler(root), readSources(root)];
        expect(compiler.projectsWith('contracts/escrow.tact', sources)).toEqual(['Escrow', 'Payout']);
        expect(compiler.projectsWith('contracts/provider.tact', sources)).toEqual(['Provider', 'Payout']);
    });
});
