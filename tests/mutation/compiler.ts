import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { build, Config, createVirtualFileSystem, Logger, stdLibFiles } from '@tact-lang/compiler';

/** Paths of .tact files relative to the repository's root, with their texts. */
export type Sources = ReadonlyMap<string, string>;

/** Bindings, by path relative to the repository's root. */
export type Bindings = ReadonlyMap<string, string>;

export class CompileError extends Error {
    override readonly name = 'CompileError';
}

export function readSources(root: string, folder = 'contracts'): Map<string, string> {
    const sources = new Map<string, string>();
    for (const entry of readdirSync(path.join(root, folder), { withFileTypes: true, recursive: true })) {
        if (!entry.isFile() || !entry.name.endsWith('.tact')) continue;
        const full = path.join(entry.parentPath, entry.name);
        sources.set(path.relative(root, full).replaceAll(path.sep, '/'), readFileSync(full, 'utf8'));
    }
    return sources;
}

/** The compiler in this process: a project takes a second or three, half of what a compiler of its own would. */
export class ContractCompiler {
    private readonly config: Config;

    constructor(root: string) {
        this.config = JSON.parse(readFileSync(path.join(root, 'tact.config.json'), 'utf8')) as Config;
    }

    get projects(): string[] {
        return this.config.projects.map(({ name }) => name);
    }

    /** Projects whose code has this file in it. A hub's holds the code of its children. */
    projectsWith(file: string, sources: Sources): string[] {
        const affected = this.config.projects.filter((project) => reaches(normal(project.path), file, sources));
        return affected.map(({ name }) => name);
    }

    /** Every file that has a part in the code of the projects that this one has a part in. */
    closure(file: string, sources: Sources): string[] {
        const projects = this.projectsWith(file, sources).map((name) => this.pathOf(name));
        return [...sources.keys()].filter((other) => projects.some((from) => reaches(from, other, sources)));
    }

    private pathOf(name: string): string {
        return normal(this.config.projects.find((project) => project.name === name)!.path);
    }

    /** @throws CompileError */
    async compile(name: string, sources: Sources): Promise<Bindings> {
        const config = this.config.projects.find((project) => project.name === name)!;
        const files = Object.fromEntries(
            [...sources].map(([file, text]) => [file, Buffer.from(text).toString('base64')]),
        );
        const project = createVirtualFileSystem('/', files, false);
        const stdlib = createVirtualFileSystem('@stdlib', stdLibFiles);
        const { ok, error } = await withoutLeftListeners(() =>
            build({ config, project, stdlib, logger: new Logger(0) }),
        );
        if (!ok) throw new CompileError(error.map(String).join('\n'));
        const bindings = Object.entries(files).filter(([file]) => file.endsWith('.ts'));
        return new Map(bindings.map(([file, base64]) => [file, Buffer.from(base64, 'base64').toString()]));
    }
}

/** Every run of the FunC compiler adds handlers that keep its memory. */
async function withoutLeftListeners<T>(act: () => Promise<T>): Promise<T> {
    const events = ['uncaughtException', 'unhandledRejection'] as const;
    const before = events.map((event) => process.listeners(event as 'uncaughtException'));
    try {
        return await act();
    } finally {
        events.forEach((event, i) => {
            for (const listener of process.listeners(event as 'uncaughtException')) {
                if (!before[i]!.includes(listener)) process.removeListener(event, listener);
            }
        });
    }
}

function reaches(from: string, target: string, sources: Sources, seen = new Set<string>()): boolean {
    if (from === target) return true;
    if (seen.has(from)) return false;
    seen.add(from);
    const imports = [...(sources.get(from) ?? '').matchAll(/^import "(\.[^"]*)";/gm)];
    return imports.some(([, imported]) => {
        const next = normal(path.posix.join(path.posix.dirname(from), `${imported}.tact`));
        return reaches(next, target, sources, seen);
    });
}

function normal(file: string): string {
    return path.posix.normalize(file);
}
