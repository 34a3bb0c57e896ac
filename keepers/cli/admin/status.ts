import { formatTon } from '../../base';
import type { CommandResult } from '../verify-quote-command';
import { AdminClient, type AdminTarget } from './admin-client';

export interface StatusOptions extends AdminTarget {
    json?: boolean;
}

/** `cocoon status`: what a running role says of itself. Exit code 1 when it does not take work. */
export async function runRoleStatus(options: StatusOptions): Promise<CommandResult> {
    const { json } = await AdminClient.at(options).view('/status');
    const exitCode = json['ready'] === true ? 0 : 1;
    return { output: options.json ? JSON.stringify(json) : describe(json), exitCode };
}

interface Head {
    role: string;
    version: string;
    nodejs: string;
    pid: number;
    uptimeSec: number;
    ready: boolean;
    reasons: Row[];
    warnings: Row[];
}

interface Row {
    reason: string;
    detail: string;
}

function describe(json: Record<string, unknown>): string {
    const { role, version, nodejs, pid, uptimeSec, ready, reasons, warnings, ...parts } = json as unknown as Head;
    return [
        `${role} ${version} on Node.js ${nodejs}, process ${pid}, up ${uptimeOf(uptimeSec)}`,
        ready ? 'ready' : 'not ready:',
        ...reasons.map(({ reason, detail }) => `  ${reason}: ${detail}`),
        ...warnings.map(({ reason, detail }) => `warning: ${reason}: ${detail}`),
        ...Object.entries(parts).flatMap(([name, part]) => ['', `${name}:`, ...rowsOf(part, '  ')]),
    ].join('\n');
}

function rowsOf(part: unknown, indent: string): string[] {
    if (typeof part !== 'object' || part === null) return [`${indent}${String(part)}`];
    return Object.entries(part).flatMap(([name, value]: [string, unknown]) => {
        if (typeof value === 'object' && value !== null)
            return Object.keys(value).length === 0 ? [] : [`${indent}${name}:`, ...rowsOf(value, `${indent}  `)];
        return [`${indent}${name}: ${shown(name, value as string | number | boolean | null)}`];
    });
}

/** Amounts carry their unit in the name. */
function shown(name: string, value: string | number | boolean | null): string {
    if (value === null) return '-';
    if (name.endsWith('Nano') && typeof value === 'string' && /^-?\d+$/.test(value))
        return `${formatTon(BigInt(value))} TON`;
    if (name.endsWith('Sec') && typeof value === 'number' && value > 1e9) return new Date(value * 1000).toISOString();
    if (name.endsWith('AtMs') && typeof value === 'number') return new Date(value).toISOString();
    return String(value);
}

function uptimeOf(totalSec: number): string {
    const [days, hours, minutes] = [
        Math.floor(totalSec / 86_400),
        Math.floor(totalSec / 3_600) % 24,
        Math.floor(totalSec / 60) % 60,
    ];
    if (days > 0) return `${days} d ${hours} h`;
    return hours > 0 ? `${hours} h ${minutes} min` : `${minutes} min ${totalSec % 60} s`;
}
