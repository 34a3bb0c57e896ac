import { readFileSync } from 'node:fs';

/** Directives of one unit file by name; those that may stand several times keep their order. */
export type Unit = Map<string, string[]>;

export function readUnit(file: string): Unit {
    const unit: Unit = new Map();
    for (const line of readFileSync(file, 'utf8').split('\n')) {
        const directive = /^([A-Za-z]+)=(.*)$/.exec(line);
        if (directive === null) continue;
        const [, name, value] = directive as unknown as [string, string, string];
        unit.set(name, [...(unit.get(name) ?? []), value]);
    }
    return unit;
}

/** What systemd would put into the environment, `%d` being where it keeps credentials. */
export function environmentOf(unit: Unit, credentials: string): Record<string, string> {
    return Object.fromEntries(
        (unit.get('Environment') ?? []).map((assignment) => {
            const [name, value] = assignment.split('=') as [string, string];
            return [name, value.replace('%d', credentials)];
        }),
    );
}
