/** A process that compiles what it is asked to, so that two jobs compile at once; main.ts starts one for each. */
import path from 'node:path';
import { CompileError, ContractCompiler, readSources } from './compiler';
import { keepCompiledFunc } from './func-cache';

/** One file's text in the place of the repository's. */
export interface CompileRequest {
    file: string;
    text: string;
}

export type CompileAnswer = { bindings: [file: string, text: string][] } | { error: string };

const root = path.resolve(__dirname, '../..');
const compiler = new ContractCompiler(root);
const sources = readSources(root);

async function answer({ file, text }: CompileRequest): Promise<CompileAnswer> {
    const changed = new Map(sources).set(file, text);
    try {
        const bindings: [string, string][] = [];
        for (const project of compiler.projectsWith(file, sources)) {
            bindings.push(...(await compiler.compile(project, changed)));
        }
        return { bindings };
    } catch (error) {
        if (error instanceof CompileError) return { error: error.message };
        throw error;
    }
}

keepCompiledFunc();
process.on('message', (request: CompileRequest) => {
    answer(request).then(
        (done) => process.send!(done),
        (error: unknown) => {
            process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`);
            process.exit(1);
        },
    );
});
