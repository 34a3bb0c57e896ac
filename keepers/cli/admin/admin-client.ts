import { request } from 'undici';
import { CocoonError, errorMessage } from '../../base';
import { readSecretFile } from '../../config';
import { loadKeeperConfig } from '../doctor/doctor-context';

export interface AdminTarget {
    /** Configuration of the running role; its `admin` says where it listens. */
    config?: string;
    /** In place of it: what the role printed as `adminUrl`. */
    url?: string;
    tokenFile?: string;
}

export interface AdminAnswer {
    status: number;
    json: Record<string, unknown>;
}

const viewTimeoutMs = 10_000;
/** A round of settling waits for the chain. */
const actTimeoutMs = 310_000;

/** Talks to the admin listener of a running role. @throws CocoonError when nothing answers there */
export class AdminClient {
    private constructor(
        readonly url: string,
        private readonly tokenFile: string | undefined,
    ) {}

    static at(target: AdminTarget): AdminClient {
        if (target.url !== undefined) return new AdminClient(originOf(target.url), target.tokenFile);
        if (target.config === undefined)
            throw unusable(
                'argument_invalid',
                'name the role: --config FILE, or --url with what it printed as adminUrl',
            );
        const { admin } = loadKeeperConfig(target.config);
        if (admin === undefined)
            throw unusable('admin_missing', `${target.config} has no admin section: add {"admin":{"port":9101}}`);
        if (admin.port === 0)
            throw unusable('admin_missing', 'admin.port is 0, any free one: give --url with what the role printed');
        const host = admin.host.includes(':') ? `[${admin.host}]` : admin.host;
        return new AdminClient(`http://${host}:${admin.port}`, target.tokenFile ?? admin.tokenFile);
    }

    view(path: string): Promise<AdminAnswer> {
        return this.call('GET', path, {}, undefined);
    }

    act(name: string, body: object): Promise<AdminAnswer> {
        if (this.tokenFile === undefined)
            throw unusable('admin_token_missing', 'acts need admin.tokenFile in the configuration, or --token-file');
        const headers = {
            authorization: `Bearer ${readSecretFile(this.tokenFile)}`,
            'content-type': 'application/json',
        };
        return this.call('POST', `/admin/${encodeURIComponent(name)}`, headers, JSON.stringify(body));
    }

    private async call(
        method: 'GET' | 'POST',
        path: string,
        headers: Record<string, string>,
        sent: string | undefined,
    ): Promise<AdminAnswer> {
        const signal = AbortSignal.timeout(method === 'GET' ? viewTimeoutMs : actTimeoutMs);
        try {
            const { statusCode, body } = await request(`${this.url}${path}`, { method, headers, body: sent, signal });
            return { status: statusCode, json: (await body.json()) as Record<string, unknown> };
        } catch (error) {
            throw new CocoonError(
                'role_unreachable',
                `nothing answers at ${this.url}: is the role running? (${errorMessage(error)})`,
                { action: 'retry', cause: error },
            );
        }
    }
}

function originOf(url: string): string {
    if (URL.canParse(url)) return new URL(url).origin;
    throw unusable('argument_invalid', `${url} is no URL`);
}

function unusable(code: string, message: string): CocoonError {
    return new CocoonError(code, message, { action: 'fix' });
}
