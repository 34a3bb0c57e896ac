import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { systemClock, type Clock } from '../../../base';
import { chainOf, createSnpDevelopmentPki, mintEndorsementKey, mintSnpCrl } from '../mint/pki';
import type { SigningKeyKind } from '../parse/report';
import { productLines, products, type ProductLine } from '../product';
import { partsOf, patchLevelName, type TcbVersion } from '../tcb';

export interface KdsServerOptions {
    seed: Buffer;
    clock?: Clock;
    /** 0 for any free port. */
    port?: number;
    /** Last changes to each revocation list. */
    crl?: Parameters<typeof mintSnpCrl>[1];
}

export interface KdsServer {
    url: string;
    /** Requests answered, by path. */
    requests: string[];
    close(): Promise<void>;
}

/**
 * A key distribution service for a development network, with the paths of AMD's. It issues the certificate of any chip and
 * firmware it is asked for, under the root that follows from the seed.
 */
export async function startKdsServer(options: KdsServerOptions): Promise<KdsServer> {
    const requests: string[] = [];
    const server = createServer((request, response) => {
        requests.push(request.url ?? '');
        const body = replyTo(request.url ?? '', options);
        response.writeHead(body === null ? 404 : 200).end(body);
    });
    await new Promise<void>((resolve) => server.listen(options.port ?? 0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    return { url: `http://127.0.0.1:${port}`, requests, close: () => close(server) };
}

function replyTo(target: string, { seed, clock = systemClock, crl }: KdsServerOptions): Buffer | string | null {
    const url = new URL(target, 'http://localhost');
    const match = /^\/(vcek|vlek)\/v1\/(\w+)\/(\w+)$/.exec(url.pathname);
    const line = productLines.find((known) => known === match?.[2]);
    if (match === null || line === undefined) return null;
    const pki = createSnpDevelopmentPki({ seed, now: new Date(clock.nowMs()), line });
    const kind = match[1] as SigningKeyKind;
    if (match[3] === 'cert_chain') return chainOf(pki, kind);
    if (match[3] === 'crl') return mintSnpCrl(pki, crl);
    const chipId = Buffer.from(match[3]!, 'hex');
    const tcb = tcbOf(url.searchParams, line);
    const isChip = kind === 'vcek' && chipId.length === products[line].chipIdLength;
    return isChip && tcb !== null ? mintEndorsementKey(pki, { chipId, tcb }).der : null;
}

/** Null unless every part has a level. */
function tcbOf(query: URLSearchParams, line: ProductLine): TcbVersion | null {
    const levels = partsOf(line).map((part) => [part, Number(query.get(patchLevelName[part]) ?? NaN)] as const);
    const valid = levels.every(([, level]) => Number.isInteger(level) && level >= 0 && level <= 255);
    return valid ? Object.fromEntries(levels) : null;
}

function close(server: Server): Promise<void> {
    server.closeAllConnections();
    return new Promise((resolve, reject) => server.close((error) => (error ? reject(error) : resolve())));
}
