import { readFileSync } from 'node:fs';
import { errorMessage } from '../base';
import { ConfigError } from './errors';
import { configSchemas, type Role, type RoleConfig } from './schema';

const prefix = 'COCOON__';

export interface LoadOptions {
    /** JSON file; every setting may instead come from the environment. */
    file?: string;
    env?: NodeJS.ProcessEnv;
}

/**
 * Settings of one role: file first, environment over it. `COCOON__LISTEN__PORT=8080` sets `listen.port`; a value that
 * reads as JSON is taken as JSON, anything else as a string. Unknown settings are refused by name.
 */
export function loadConfig<R extends Role>(role: R, options: LoadOptions): RoleConfig<R> {
    const settings = options.file === undefined ? {} : readJsonObject(options.file);
    applyEnvironment(settings, options.env ?? process.env);
    settings['role'] ??= role;
    const error = ({ code, input }: { code: string; input: unknown }) =>
        code === 'invalid_type' && input === undefined ? 'is missing' : undefined;
    const parsed = configSchemas[role].safeParse(settings, { error });
    if (!parsed.success) {
        const lines = parsed.error.issues.map(
            (issue) => `  ${issue.path.join('.') || '(top level)'}: ${issue.message}`,
        );
        const from = options.file ?? `no --config FILE (deploy/config has one of each role), and in the environment`;
        throw new ConfigError('config_invalid', `${from}: ${role} settings are not valid:\n${lines.join('\n')}`);
    }
    return parsed.data as RoleConfig<R>;
}

/** A settings file as it stands, nothing checked. @throws ConfigError */
export function readJsonObject(file: string): Record<string, unknown> {
    const value = parseJson(readText(file), file);
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
        throw new ConfigError('config_invalid', `${file}: must hold one JSON object`);
    }
    return { ...value };
}

function readText(file: string): string {
    try {
        return readFileSync(file, 'utf8');
    } catch (error) {
        throw new ConfigError('config_unreadable', `${file}: ${errorMessage(error)}`, error);
    }
}

function parseJson(text: string, file: string): unknown {
    try {
        return JSON.parse(text) as unknown;
    } catch (error) {
        // Only where: the parser quotes what it read, and somebody may have named a key file by mistake.
        const position = /position (\d+)/.exec(errorMessage(error))?.[1];
        const where = position === undefined ? '' : `, see line ${text.slice(0, Number(position)).split('\n').length}`;
        throw new ConfigError('config_unreadable', `${file}: is not valid JSON${where}`);
    }
}

function applyEnvironment(settings: Record<string, unknown>, env: NodeJS.ProcessEnv): void {
    for (const [name, text] of Object.entries(env)) {
        if (!name.startsWith(prefix) || text === undefined) continue;
        const path = name
            .slice(prefix.length)
            .split('__')
            .filter((part) => part !== '')
            .map(camelCase);
        setPath(settings, path, parseLoose(text));
    }
}

function camelCase(upperSnake: string): string {
    return upperSnake.toLowerCase().replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
}

function parseLoose(text: string): unknown {
    try {
        return JSON.parse(text) as unknown;
    } catch {
        return text;
    }
}

function setPath(target: Record<string, unknown>, path: string[], value: unknown): void {
    const [head, ...rest] = path;
    if (head === undefined || head === '__proto__') return;
    if (rest.length === 0) {
        target[head] = value;
        return;
    }
    const existing = target[head];
    const child = typeof existing === 'object' && existing !== null && !Array.isArray(existing) ? { ...existing } : {};
    target[head] = child;
    setPath(child, rest, value);
}
