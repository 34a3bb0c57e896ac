import { once } from 'node:events';
import { createServer } from 'node:net';
import { request } from 'undici';
import { type CheckResult, fail, ok } from '../provider/check';
import type { KeeperConfig } from './doctor-context';

interface Place {
    setting: 'listen' | 'admin';
    host: string;
    port: number;
}

/** Each port is free for the role to take, or the role has it already. */
export async function checkPorts(config: KeeperConfig): Promise<CheckResult[]> {
    const places: Place[] = [];
    if ('listen' in config) places.push({ setting: 'listen', ...config.listen });
    if (config.admin !== undefined) places.push({ setting: 'admin', ...config.admin });
    const results = await Promise.all(places.map((place) => checkPort(place)));
    return results.length > 0 ? results : [ok('ports', 'the role listens on none')];
}

async function checkPort({ setting, host, port }: Place): Promise<CheckResult> {
    const name = `${setting} ${host}:${port}`;
    if (port === 0) return ok('ports', `${name}: any free port`);
    const problem = await bindProblem(host, port);
    if (problem === null) return ok('ports', `${name} is free`);
    if (problem === 'EADDRINUSE' && (await answersHealth(host, port)))
        return ok('ports', `${name}: a role of Cocoon serves there`);
    const next =
        problem === 'EADDRINUSE'
            ? `stop what listens there (ss -ltnp 'sport = :${port}'), or choose another ${setting}.port`
            : `choose a ${setting}.host that this machine has, and a port that the user may take`;
    return fail('ports', `${name} cannot be taken: ${problem}`, next);
}

async function bindProblem(host: string, port: number): Promise<string | null> {
    const server = createServer();
    try {
        server.listen({ host, port, exclusive: true });
        await once(server, 'listening');
        server.close();
        await once(server, 'close');
        return null;
    } catch (error) {
        return (error as NodeJS.ErrnoException).code ?? 'unknown';
    }
}

async function answersHealth(host: string, port: number): Promise<boolean> {
    try {
        const address = host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host.includes(':') ? `[${host}]` : host;
        const { statusCode, body } = await request(`http://${address}:${port}/healthz`, {
            signal: AbortSignal.timeout(3_000),
        });
        const json = (await body.json()) as { ok?: unknown };
        return statusCode === 200 && json.ok === true;
    } catch {
        return false;
    }
}
