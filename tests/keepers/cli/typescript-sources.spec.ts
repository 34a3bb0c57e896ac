import { execFile } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, utimesSync } from 'node:fs';
import { writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

const repository = path.resolve(__dirname, '../../..');
let checkout: string;

function write(file: string, text: string): void {
    mkdirSync(path.join(checkout, path.dirname(file)), { recursive: true });
    writeFileSync(path.join(checkout, file), text);
}

/** A checkout of the real launcher, whose program says what `part.ts` makes of it. */
beforeEach(() => {
    checkout = mkdtempSync(path.join(tmpdir(), 'checkout-'));
    write('contracts/build.cjs', 'exports.buildContracts = async () => undefined;');
    for (const file of ['cocoon.cjs', 'typescript-sources.cjs']) {
        mkdirSync(path.join(checkout, 'keepers/cli'), { recursive: true });
        copyFileSync(path.join(repository, 'keepers/cli', file), path.join(checkout, 'keepers/cli', file));
    }
    symlinkSync(path.join(repository, 'node_modules'), path.join(checkout, 'node_modules'));
    write('keepers/cli/main.ts', "import { said } from '../part';\nexport const main = () => console.log(said());");
    write('keepers/part.ts', "export const said = (): string => 'one';");
});

afterEach(() => rmSync(checkout, { recursive: true }));

function start(): Promise<{ code: number; out: string; complaint: string }> {
    return new Promise((resolve) => {
        execFile(process.execPath, [path.join(checkout, 'keepers/cli/cocoon.cjs')], (error, out, complaint) =>
            resolve({ code: error === null ? 0 : Number(error.code), out: out.trim(), complaint }),
        );
    });
}

const kept = (): string => path.join(checkout, '.cache/js/keepers/part.ts.js');

describe('cocoon in a checkout', () => {
    it('compiles a source once, and runs what was kept', async () => {
        expect(await start()).toMatchObject({ code: 0, out: 'one' });
        writeFileSync(kept(), readFileSync(kept(), 'utf8').replace("'one'", "'kept'"));
        expect(await start()).toMatchObject({ code: 0, out: 'kept' });
    });

    it('has an edited source in force at the next start, even one of the same size and time', async () => {
        await start();
        const file = path.join(checkout, 'keepers/part.ts');
        const { atime, mtime } = statSync(file);
        write('keepers/part.ts', "export const said = (): string => 'two';");
        utimesSync(file, atime, mtime);
        expect(await start()).toMatchObject({ code: 0, out: 'two' });
    });

    it('does not run a source that was deleted', async () => {
        await start();
        rmSync(path.join(checkout, 'keepers/part.ts'));
        expect(await start()).toMatchObject({
            code: 2,
            out: '',
            complaint: expect.stringContaining('../part') as string,
        });
    });

    it('runs nothing that another compiler kept, or that is damaged', async () => {
        await start();
        for (const damaged of [
            readFileSync(kept(), 'utf8')
                .replace(/^\/\/../, '//zz')
                .replace("'one'", "'old'"),
            '//',
            '',
        ]) {
            writeFileSync(kept(), damaged);
            expect(await start()).toMatchObject({ code: 0, out: 'one' });
        }
    });

    it('works for several that start at once', async () => {
        const all = await Promise.all(Array.from({ length: 4 }, start));
        expect(all).toEqual(all.map(() => ({ code: 0, out: 'one', complaint: '' })));
        expect(await start()).toMatchObject({ code: 0, out: 'one' });
    });

    it('works where nothing can be kept', async () => {
        write('.cache', 'a file in the way');
        expect(await start()).toMatchObject({ code: 0, out: 'one' });
    });

    it('says where a source cannot be compiled, and ends with 2', async () => {
        write('keepers/part.ts', 'interface Unused {}\nexport const said = ;');
        const { code, complaint } = await start();
        expect(code).toBe(2);
        expect(complaint).toContain('keepers/part.ts:2 cannot be compiled');
        expect(complaint).toContain('Expression expected');
        expect(complaint).not.toContain('backtrace');
    });

    it('names lines of the sources in a stack trace, whether just compiled or kept', async () => {
        const lines = [
            'interface Gone {',
            '    field: string;',
            '}',
            'export const said = (wanted?: Gone): string => {',
        ];
        write('keepers/part.ts', [...lines, '    return new Error(wanted?.field).stack!;', '};'].join('\n'));
        for (let round = 0; round < 2; round++) {
            expect((await start()).out).toContain(`${path.join(checkout, 'keepers/part.ts')}:5:12`);
        }
    });

    it('builds the contracts before a source is read', async () => {
        const build = `require('node:fs').writeFileSync(${JSON.stringify(path.join(checkout, 'keepers/built.ts'))}, "export const built = 'built';")`;
        write('contracts/build.cjs', `exports.buildContracts = async () => ${build};`);
        write('keepers/part.ts', "import { built } from './built';\nexport const said = () => built;");
        expect(await start()).toMatchObject({ code: 0, out: 'built' });
    });
});
