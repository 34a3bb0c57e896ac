import { isIP } from 'node:net';
import { ChainError } from '../errors';

/** v2: toncenter's JSON-RPC. v4: the HTTP API of TonClient4. */
export type EndpointKind = 'v2' | 'v4';

export interface EndpointSettings {
    /** v2: of the JSON-RPC, such as https://toncenter.com/api/v2/jsonRPC. v4: the base, such as https://mainnet-v4.tonhubapi.com */
    url: string;
    kind?: EndpointKind;
    apiKey?: string;
    /** By default one where public and without a key, ten with a key, unlimited on a private network. */
    requestsPerSecond?: number;
}

export interface ResolvedEndpoint {
    url: string;
    kind: EndpointKind;
    apiKey: string | undefined;
    /** Null: unlimited. */
    requestsPerSecond: number | null;
    /** Names it in logs and errors: the host. A path may hold a key. */
    origin: string;
    /** Two endpoints are independent when these differ. */
    operator: string;
}

const keylessPerSecond = 1;
const keyedPerSecond = 10;

/** @throws ChainError `rpc_refused` for what is no http or https URL */
export function resolveEndpoint(settings: EndpointSettings): ResolvedEndpoint {
    const url = parseUrl(settings.url);
    const isPrivate = isPrivateHost(url.hostname);
    return {
        url: settings.url.replace(/\/+$/, ''),
        kind: settings.kind ?? 'v2',
        apiKey: settings.apiKey,
        requestsPerSecond: settings.requestsPerSecond ?? defaultRate(isPrivate, settings.apiKey !== undefined),
        origin: url.host,
        // Ports of one public host are one operator's. On this machine each port is a process of its own.
        operator: isLoopback(url.hostname) ? url.host : url.hostname,
    };
}

function parseUrl(text: string): URL {
    const url = URL.canParse(text) ? new URL(text) : undefined;
    if (url !== undefined && /^https?:$/.test(url.protocol)) return url;
    throw new ChainError('rpc_refused', 'An endpoint is an http or https URL');
}

function defaultRate(isPrivate: boolean, hasKey: boolean): number | null {
    if (isPrivate) return null;
    return hasKey ? keyedPerSecond : keylessPerSecond;
}

function isLoopback(hostname: string): boolean {
    return hostname === 'localhost' || hostname === '[::1]' || /^127(\.\d+){3}$/.test(hostname);
}

/** The operator's own: loopback, private addresses, names without a dot. */
function isPrivateHost(hostname: string): boolean {
    if (isLoopback(hostname)) return true;
    if (isIP(hostname) === 4) return /^(10\.|192\.168\.|172\.(1[6-9]|2\d|3[01])\.|169\.254\.)/.test(hostname);
    if (hostname.startsWith('[')) return /^\[f[cd]/i.test(hostname);
    return !hostname.includes('.');
}
