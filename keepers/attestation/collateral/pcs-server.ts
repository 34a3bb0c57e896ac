import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { systemClock, type Clock } from '../../base';
import type { Collateral } from '../collateral-shape';
import { mintCollateral, type CollateralOptions } from '../mint/collateral';
import { createPlatform, type Authority, type DevelopmentPki } from '../mint/pki';
import type { Tee } from '../mint/signed-texts';

export interface PcsServerOptions {
    pki: DevelopmentPki;
    clock?: Clock;
    /** 0 for any free port. */
    port?: number;
    collateral?: CollateralOptions;
}

export interface PcsServer {
    url: string;
    /** Requests answered, by path. */
    requests: string[];
    close(): Promise<void>;
}

/** An answer: body, and the header that carries the issuer chain. */
interface Reply {
    body: Buffer | string;
    header?: [name: string, chain: string];
}

/**
 * A collateral service for a development network, with the API of Intel's (version 4) and the root list of Intel's caching
 * service. It signs afresh at each request, so that its answers are always in force.
 */
export async function startPcsServer(options: PcsServerOptions): Promise<PcsServer> {
    const requests: string[] = [];
    const server = createServer((request, response) => {
        requests.push(request.url ?? '');
        answer(response, replyTo(request, options));
    });
    await new Promise<void>((resolve) => server.listen(options.port ?? 0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    return { url: `http://127.0.0.1:${port}`, requests, close: () => close(server) };
}

function answer(response: ServerResponse, reply: Reply | null): void {
    if (reply === null) {
        response.writeHead(404).end();
        return;
    }
    const [name, chain] = reply.header ?? [];
    response.writeHead(200, name && chain ? { [name]: encodeURIComponent(chain) } : {}).end(reply.body);
}

function replyTo(request: IncomingMessage, options: PcsServerOptions): Reply | null {
    const url = new URL(request.url ?? '', 'http://localhost');
    const match = /^\/(sgx|tdx)\/certification\/v4\/(pckcrl|rootcacrl|tcb|qe\/identity)$/.exec(url.pathname);
    if (match === null) {
        return null;
    }
    const collateral = freshCollateral(options, match[1] as Tee, url.searchParams);
    switch (match[2]) {
        case 'rootcacrl':
            return { body: Buffer.from(collateral.root_ca_crl, 'hex') };
        case 'pckcrl':
            return {
                body: Buffer.from(collateral.pck_crl, 'hex'),
                header: ['SGX-PCK-CRL-Issuer-Chain', collateral.pck_crl_issuer_chain],
            };
        case 'tcb':
            return {
                body: `{"tcbInfo":${collateral.tcb_info},"signature":"${collateral.tcb_info_signature}"}`,
                header: ['TCB-Info-Issuer-Chain', collateral.tcb_info_issuer_chain],
            };
        default:
            return {
                body: `{"enclaveIdentity":${collateral.qe_identity},"signature":"${collateral.qe_identity_signature}"}`,
                header: ['SGX-Enclave-Identity-Issuer-Chain', collateral.qe_identity_issuer_chain],
            };
    }
}

function freshCollateral(
    { pki, clock = systemClock, collateral }: PcsServerOptions,
    tee: Tee,
    query: URLSearchParams,
): Collateral {
    const authority: Authority = query.get('ca') === 'processor' ? 'processor' : 'platform';
    const fmspc = query.get('fmspc');
    const facts = fmspc && /^[0-9a-fA-F]{12}$/.test(fmspc) ? { fmspc: Buffer.from(fmspc, 'hex') } : {};
    // A minute ago: a reader's clock may be a little behind.
    const issueDate = new Date(Math.floor(clock.nowMs() / 1000) * 1000 - 60_000);
    return mintCollateral(pki, createPlatform(pki, { authority, facts }), { tee, issueDate, ...collateral });
}

function close(server: Server): Promise<void> {
    server.closeAllConnections();
    return new Promise((resolve, reject) => server.close((error) => (error ? reject(error) : resolve())));
}
