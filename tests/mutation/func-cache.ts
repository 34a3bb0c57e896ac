import { createHash } from 'node:crypto';
import { createRequire } from 'node:module';

type Module = typeof import('@tact-lang/compiler/dist/func/funcCompile');
type Compile = Module['funcCompile'];
type Compiled = Awaited<ReturnType<Compile>>;

/** A change of the hub leaves the code of its children as it was, and FunC is half of a compilation's time. */
const kept = new Map<string, Compiled>();
const mostKept = 64;

/** The module itself: what an import gives cannot be changed. */
const compiler = createRequire(__filename)('@tact-lang/compiler/dist/func/funcCompile') as Module;
const compile = compiler.funcCompile;
const cached: Compile = async (args) => {
    const { entries, sources } = args;
    const key = createHash('sha256')
        .update(JSON.stringify([entries, sources]))
        .digest('hex');
    const known = kept.get(key);
    if (known !== undefined) return known;
    const compiled = await compile(args);
    if (kept.size >= mostKept) kept.delete(kept.keys().next().value!);
    kept.set(key, compiled);
    return compiled;
};

/** The compiler of Tact asks the module for it at every use. */
export function keepCompiledFunc(): void {
    Object.assign(compiler, { funcCompile: cached });
}
